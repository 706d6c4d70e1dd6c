package main

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

func (r *rig) postgres(away bool) { r.w.change("", func() { r.w.postgresAway = away }) }

func (r *rig) temporal(away bool) { r.w.change("", func() { r.w.temporalAway = away }) }

func TestWithoutPostgresADiskIsBootedFromMemoryAndAnAgentWaits(t *testing.T) {
	t.Parallel()
	r := setup(t, newWorld(machine("m7", 14), machine("m8", 16)))
	r.agentIntent("m8", 1, metal.AgentJob{Job: metal.JobErase})
	token := r.token(m8)
	r.postgres(true)

	_, disk := r.ask(m7, "GET", "/boot.ipxe", "")
	require.Contains(t, disk, "sanboot")
	code, wait := r.ask(m8, "GET", "/boot.ipxe", "")
	require.Equal(t, http.StatusOK, code)
	require.Contains(t, wait, "goto again")
	require.NotContains(t, wait, "token")
	code, body := r.askJob(m8, token, ofBoot1)
	require.Equal(t, http.StatusServiceUnavailable, code, "a destructive job is never handed out from memory")
	require.NotContains(t, body, "erase")
	code, _ = r.ask(m7, "POST", "/phone-home?boot=0", "")
	require.Equal(t, http.StatusServiceUnavailable, code, "the system says it again")
	require.Equal(t, "127.20.0.15", r.dhcp("").YourIPAddr.String())

	r.postgres(false)
	r.token(m8)
	require.Equal(t, "1", r.metric(`millwright_boot_scripts_total{kind="disk-from-memory"}`))
}

func TestAServiceThatKnowsNobodyYetKeepsMachinesFromTheirDisks(t *testing.T) {
	t.Parallel()
	w := newWorld(machine("m7", 14))
	w.postgresAway = true
	r := setup(t, w)
	code, script := r.ask(m7, "GET", "/boot.ipxe", "")
	require.Equal(t, http.StatusOK, code)
	require.Contains(t, script, "goto again")
	res, err := http.Get("http://" + r.srv.admins.Addr().String() + "/healthz")
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.Equal(t, http.StatusServiceUnavailable, res.StatusCode)

	r.postgres(false)
	r.eventually("the list is read once Postgres is there", r.srv.view.loaded)
	_, script = r.ask(m7, "GET", "/boot.ipxe", "")
	require.Contains(t, script, "sanboot")
}

func TestMemoryTellsASystemWhoItIsOnlyWhileThatCannotBeAnEarlierTenant(t *testing.T) {
	t.Parallel()
	m := machine("m7", 14)
	m.Intent.Number = 5
	m.Tenancy = &metal.Tenancy{Device: "d1", Hostname: "web1", UserData: []byte("secret of d1")}
	r := setup(t, newWorld(m))
	r.postgres(true)
	code, body := r.ask(m7, "GET", "/userdata", "")
	require.Equal(t, http.StatusOK, code, "memory is seconds old")
	require.Equal(t, "secret of d1", body)

	r.srv.view.mu.Lock()
	r.srv.view.current = time.Now().Add(-time.Hour)
	r.srv.view.mu.Unlock()
	for path, want := range map[string]int{
		"/userdata":        http.StatusServiceUnavailable,
		"/userdata?boot=6": http.StatusServiceUnavailable,
		"/userdata?boot=5": http.StatusOK, // this boot is the one that memory holds
	} {
		code, _ := r.ask(m7, "GET", path, "")
		require.Equal(t, want, code, path)
	}
}

func TestMetadataIsReadAfreshSoThatTheNextTenantNeverReadsTheLastOnes(t *testing.T) {
	t.Parallel()
	m := machine("m7", 14)
	m.Tenancy = &metal.Tenancy{Device: "d1", UserData: []byte("secret of d1")}
	r := setup(t, newWorld(m))
	r.w.change("", func() { // no notice of it reaches us
		m.Tenancy = &metal.Tenancy{Device: "d2", UserData: []byte("of d2")}
		r.w.machines["m7"] = m
	})
	_, body := r.ask(m7, "GET", "/userdata", "")
	require.Equal(t, "of d2", body)
}

func TestAReportThatTemporalDidNotTakeIsSentAgainOnce(t *testing.T) {
	t.Parallel()
	r := booting(t)
	r.temporal(true)
	token := r.token(m7)
	code, _ := r.ask(m7, "POST", "/agent/up"+ofBoot1, `{"machine_boot":1}`, "Authorization", "Bearer "+token)
	require.Equal(t, http.StatusNoContent, code, "the machine need not say it again")
	r.eventually("it is tried again", func() bool { r.w.mu.Lock(); defer r.w.mu.Unlock(); return r.w.tries > 2 })
	require.Empty(t, r.w.heardKinds())
	require.Equal(t, "1", r.metric("millwright_boot_unsignalled_reports"))

	r.temporal(false)
	r.eventually("its run hears it", func() bool { return r.w.isSignalled(1) })
	r.eventually("nothing is left", func() bool { return r.metric("millwright_boot_unsignalled_reports") == "0" })
	require.Equal(t, []metal.ReportKind{metal.AgentUp}, r.w.heardKinds())
}

func TestAReportSaidAgainIsSignalledAgain(t *testing.T) {
	t.Parallel()
	// A run that power-cycled its machine forgot what it heard of the boot, and
	// waits for the same word: recorded once, it must be told twice.
	r := booting(t)
	for range 2 {
		code, _ := r.ask(m7, "POST", "/agent/up"+ofBoot1, `{"machine_boot":1}`, "Authorization", "Bearer "+r.token(m7))
		require.Equal(t, http.StatusNoContent, code)
	}
	require.Equal(t, []metal.ReportKind{metal.AgentUp, metal.AgentUp}, r.w.heardKinds())
	require.Len(t, r.w.rows, 1)
}

func TestOneReportThatNeverGetsThroughDoesNotBlockTheOthers(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.poison = "device/bad"
	for id := int64(1); id <= 12; id++ {
		run := "device/good"
		if id%2 == 0 {
			run = w.poison
		}
		w.rows = append(w.rows, metal.RecordedReport{ID: id, Run: run, Report: metal.Report{Kind: metal.PhoneHome}})
	}
	c := newCourier("lab1", w, w, newMetrics(func() time.Duration { return 0 }), quiet())
	require.Eventually(t, func() bool {
		_ = c.resend(context.Background())
		return len(w.heardKinds()) == 6
	}, patience, time.Millisecond)
}

func TestAReportOfARunThatIsOverIsNotSentAgain(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.runOver = true
	w.rows = []metal.RecordedReport{{ID: 1, Run: "device/d1", Report: metal.Report{Kind: metal.Installed}}}
	c := newCourier("lab1", w, w, newMetrics(func() time.Duration { return 0 }), quiet())
	require.NoError(t, c.resend(context.Background()))
	require.True(t, w.isSignalled(1))
}

func TestAHeldQuestionDoesNotHoldUpTheEndOfTheService(t *testing.T) {
	t.Parallel()
	w := newWorld(machine("m7", 14))
	srv := opened(t, w, &journal{})
	r := &rig{t: t, w: w, srv: srv}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- srv.run(ctx) }()
	r.eventually("the list is read", srv.view.loaded)
	r.agentIntent("m7", 1, metal.AgentJob{Job: metal.JobWait})
	token := r.token(m7)
	go func() {
		req, _ := http.NewRequest("GET", srv.URL+"/agent/job?boot=1&wait=40s", strings.NewReader(""))
		req.Header.Set("Authorization", "Bearer "+token)
		if res, err := from(m7).Do(req); err == nil {
			_ = res.Body.Close()
		}
	}()
	r.eventually("the question is held", func() bool {
		srv.view.mu.RLock()
		defer srv.view.mu.RUnlock()
		return srv.view.waiting["m7"] != nil
	})
	began := time.Now()
	cancel()
	require.NoError(t, <-done)
	require.Less(t, time.Since(began), stopLimit)
}
