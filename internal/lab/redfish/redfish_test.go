package redfish_test

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/lab/redfish"
	"millwright/internal/metal"
)

// The value stands in people's site files. A change of it locks them out.
func TestTheFingerprintOfANameNeverChanges(t *testing.T) {
	t.Parallel()
	require.Equal(t, "fe513151b54d8ab26d625670f236f0f7686171c3dbaf0fcd1b6ab9c0851c8c11", redfish.Fingerprint("m7"))
	require.NotEqual(t, redfish.Fingerprint("m7"), redfish.Fingerprint("m8"))
}

func TestTheCertificateShownIsTheOnePinned(t *testing.T) {
	t.Parallel()
	r := setup(t)
	shown := func() string {
		resp, err := (&http.Client{Transport: &http.Transport{
			TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true,
		}}).Get(r.url + "/redfish/v1/")
		require.NoError(t, err)
		defer resp.Body.Close()
		sum := sha256.Sum256(resp.TLS.PeerCertificates[0].Raw)
		return hex.EncodeToString(sum[:])
	}
	require.Equal(t, redfish.Fingerprint("m7"), shown())
	r.SetFault(redfish.Fault{Name: redfish.WrongCertificate, Times: 1})
	require.NotEqual(t, redfish.Fingerprint("m7"), shown())
	require.Equal(t, redfish.Fingerprint("m7"), shown(), "once is once")
}

func TestResetsReachTheChassis(t *testing.T) {
	t.Parallel()
	r := setup(t)
	require.Equal(t, http.StatusConflict, r.reset(t, "ForceOff"), "it is off")
	require.Equal(t, http.StatusNoContent, r.reset(t, "On"))
	require.Equal(t, http.StatusConflict, r.reset(t, "On"), "it is on")
	require.Equal(t, http.StatusNoContent, r.reset(t, "PowerCycle"))
	require.Equal(t, metal.On, r.Power())
	require.Equal(t, http.StatusNoContent, r.reset(t, "GracefulShutdown"))
	require.Equal(t, metal.Off, r.Power())
	require.Equal(t, http.StatusBadRequest, r.reset(t, "Nonsense"))
	r.requireCalls(t, "on:", "off", "on:", "off")
}

func TestASlowChassisKeepsItsOrderAndHoldsUpNobody(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.chassis.gate = make(chan struct{})
	for _, kind := range []string{"On", "ForceRestart", "ForceOff"} {
		require.Equal(t, http.StatusNoContent, r.reset(t, kind), "answered although the chassis has done nothing")
	}
	require.Empty(t, r.chassis.read())
	close(r.chassis.gate)
	r.requireCalls(t, "on:", "off", "on:", "off")
}

func TestAnOverrideForOnceIsUsedUpByTheNextBoot(t *testing.T) {
	t.Parallel()
	r := setup(t)
	require.Equal(t, http.StatusNoContent, r.override(t, "Pxe", "Once"))
	require.Equal(t, http.StatusNoContent, r.reset(t, "On"))
	require.Equal(t, http.StatusNoContent, r.reset(t, "PowerCycle"))
	require.Equal(t, http.StatusNoContent, r.override(t, "Hdd", "Continuous"))
	require.Equal(t, http.StatusNoContent, r.reset(t, "PowerCycle"))
	require.Equal(t, http.StatusNoContent, r.reset(t, "PowerCycle"))
	r.requireCalls(t, "on:network", "off", "on:", "off", "on:disk", "off", "on:disk")
}

func TestAnOverrideIsCheckedLikeOnARealBMC(t *testing.T) {
	t.Parallel()
	r := setup(t)
	require.Equal(t, http.StatusBadRequest, r.override(t, "Moon", "Once"))
	status, _, _ := r.do(t, http.MethodPatch, system, map[string]any{"Boot": map[string]any{"BootOrder": []string{"x"}}})
	require.Equal(t, http.StatusBadRequest, status, "a property it does not have")

	_, header, _ := r.do(t, http.MethodGet, system, nil)
	stale := header.Get("ETag")
	require.Equal(t, http.StatusNoContent, r.override(t, "Pxe", "Once"))
	patch := map[string]any{"Boot": map[string]string{"BootSourceOverrideTarget": "Hdd"}}
	status, _, _ = r.do(t, http.MethodPatch, system, patch, "If-Match", stale)
	require.Equal(t, http.StatusPreconditionFailed, status)
}

func TestAMachineMayPowerItselfOffOrReboot(t *testing.T) {
	t.Parallel()
	r := setup(t)
	require.Equal(t, http.StatusNoContent, r.reset(t, "On"))
	r.requireCalls(t, "on:")
	require.Equal(t, http.StatusNoContent, r.override(t, "Pxe", "Once"))
	require.Equal(t, metal.BootNetwork, r.MachineReboot())
	require.Empty(t, r.MachineReboot(), "the override was for one boot")
	r.MachineOff()
	require.Equal(t, metal.Off, r.Power())
	require.Equal(t, http.StatusNoContent, r.reset(t, "On"))
	r.requireCalls(t, "on:", "on:")
}

func TestALateWordOfAnEarlierBootChangesNothing(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.chassis.gate = make(chan struct{})
	require.Equal(t, http.StatusNoContent, r.reset(t, "On"))
	require.Equal(t, http.StatusNoContent, r.reset(t, "ForceRestart")) // its On waits for the chassis
	r.MachineOff()
	require.Equal(t, metal.On, r.Power())
	close(r.chassis.gate)
	r.requireCalls(t, "on:", "off", "on:")
}

func TestSessionsAreFewAndMakeRoomWhenClosed(t *testing.T) {
	t.Parallel()
	r := setup(t)
	var token, location string
	for range 8 {
		var status int
		status, token, location = r.login(t, "secret")
		require.Equal(t, http.StatusCreated, status)
	}
	status, _, _ := r.login(t, "secret")
	require.Equal(t, http.StatusServiceUnavailable, status)
	req := r.request(t, http.MethodDelete, location, nil)
	req.Header.Set("X-Auth-Token", token)
	status, _, _ = r.send(t, req)
	require.Equal(t, http.StatusNoContent, status)
	require.Equal(t, 7, r.Sessions())
	status, _, _ = r.send(t, req.Clone(t.Context()))
	require.Equal(t, http.StatusUnauthorized, status, "the token went with its session")
}

func TestNothingButTheWayInIsOpen(t *testing.T) {
	t.Parallel()
	r := setup(t)
	for path, want := range map[string]int{
		"/redfish": http.StatusOK, "/redfish/v1": http.StatusOK, "/redfish/v1/": http.StatusOK,
		system: http.StatusUnauthorized, sessions: http.StatusUnauthorized, "/redfish/v1/Nowhere": http.StatusUnauthorized,
	} {
		status, _, _ := r.send(t, r.request(t, http.MethodGet, path, nil))
		require.Equal(t, want, status, path)
	}
	status, _, _ := r.login(t, "wrong")
	require.Equal(t, http.StatusUnauthorized, status)
}

func TestTheTreeCanBeWalked(t *testing.T) {
	t.Parallel()
	r := setup(t)
	for _, path := range []string{
		"/redfish/v1/Systems", system, "/redfish/v1/Chassis", "/redfish/v1/Chassis/1",
		"/redfish/v1/Managers", "/redfish/v1/Managers/1", "/redfish/v1/SessionService", sessions,
	} {
		status, _, answer := r.do(t, http.MethodGet, path, nil)
		require.Equal(t, http.StatusOK, status, path)
		require.Equal(t, path, answer["@odata.id"])
	}
	status, _, _ := r.do(t, http.MethodGet, "/redfish/v1/Nowhere", nil)
	require.Equal(t, http.StatusNotFound, status)
}

func TestFaultsAreKnownByName(t *testing.T) {
	t.Parallel()
	f, err := redfish.ParseFault("hang", 2, time.Second)
	require.NoError(t, err)
	require.Equal(t, redfish.Fault{Name: redfish.Hang, Times: 2, Delay: time.Second}, f)
	_, err = redfish.ParseFault("gremlins", 1, 0)
	require.ErrorContains(t, err, `fault "gremlins": want one of refuse-login, session-busy, `)
	require.ErrorContains(t, err, "wrong-certificate")
	_, err = redfish.ParseFault("hang", -1, 0)
	require.Error(t, err)
}

func TestArmedFaultsAreListedUntilTheyAreUsedUp(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.SetFault(redfish.Fault{Name: redfish.LiesOn, Times: 2})
	r.SetFault(redfish.Fault{Name: redfish.IgnoresPower, Times: 1})
	require.Equal(t, http.StatusNoContent, r.reset(t, "On"))
	require.Equal(t, []redfish.Fault{{Name: redfish.LiesOn, Times: 2}}, r.Faults())
	require.Equal(t, http.StatusNoContent, r.reset(t, "On"))
	require.Equal(t, []redfish.Fault{{Name: redfish.LiesOn, Times: 1}}, r.Faults())
	r.ClearFaults()
	require.Empty(t, r.Faults())
}

func TestAHangEndsWithItsDelayOrWithItsFault(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.SetFault(redfish.Fault{Name: redfish.Hang, Times: 1, Delay: 30 * time.Millisecond})
	began := time.Now()
	status, _, _ := r.do(t, http.MethodGet, system, nil)
	require.Equal(t, http.StatusOK, status)
	require.GreaterOrEqual(t, time.Since(began), 30*time.Millisecond)

	r.SetFault(redfish.Fault{Name: redfish.Hang})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := r.client.Do(r.request(t, http.MethodGet, system, nil).WithContext(ctx))
	require.ErrorIs(t, err, context.DeadlineExceeded)
	r.ClearFaults()
	status, _, _ = r.do(t, http.MethodGet, system, nil)
	require.Equal(t, http.StatusOK, status)
}

func TestABootDeviceCanBeForgottenLater(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.SetFault(redfish.Fault{Name: redfish.ForgetsBoot, Times: 1, Delay: time.Hour})
	require.Equal(t, http.StatusNoContent, r.override(t, "Pxe", "Once"))
	require.Equal(t, metal.BootNetwork, r.MachineReboot(), "the hour is not over")
	r.SetFault(redfish.Fault{Name: redfish.ForgetsBoot, Times: 1, Delay: time.Nanosecond})
	require.Equal(t, http.StatusNoContent, r.override(t, "Pxe", "Once"))
	require.Empty(t, r.MachineReboot())
}

func TestServeEndsWithItsContextAndKeepsTheState(t *testing.T) {
	t.Parallel()
	r := setup(t)
	require.Equal(t, http.StatusNoContent, r.reset(t, "On"))
	r.stop()
	require.NoError(t, <-r.served)
	require.Equal(t, metal.On, r.Power(), "the machine runs on without its BMC's network")
}

func TestAThousandBMCsFitInOneProcess(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	served := make(chan error)
	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true,
	}}
	const many = 1000
	for i := range many {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		b := redfish.New("m", metal.Credential{}, &slow{t: t}, nil)
		go func() { served <- b.Serve(ctx, ln) }()
		if i%100 != 0 {
			continue
		}
		resp, err := client.Get("https://" + ln.Addr().String() + "/redfish/v1/")
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
	}
	stop()
	for range many {
		require.NoError(t, <-served)
	}
}
