package bmc

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

func TestPowerStatesOfManyShapesAreUnderstood(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]metal.Power{
		"On": metal.On, "Off": metal.Off, "on": metal.On,
		"Chassis Power is on\n": metal.On, "Chassis Power is off\n": metal.Off,
	} {
		got, settled, err := parsePower(text)
		require.NoError(t, err)
		require.True(t, settled)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{"PoweringOn", "PoweringOff"} {
		_, settled, err := parsePower(text)
		require.NoError(t, err)
		require.False(t, settled, text)
	}
	for _, text := range []string{"", "Paused", "Chassis Power is unknown", "offline"} {
		_, _, err := parsePower(text)
		require.Error(t, err, text)
	}
}

// FuzzParsePower holds that off is never read out of anything but off: a tenant's
// disks are pulled from under a machine that was thought to be off.
func FuzzParsePower(f *testing.F) {
	f.Add("Chassis Power is off\n")
	f.Add("PoweringOff")
	f.Fuzz(func(t *testing.T, text string) {
		power, settled, err := parsePower(text)
		if err == nil && settled && power == metal.Off {
			require.True(t, strings.HasSuffix(strings.ToLower(strings.TrimSpace(text)), "off"))
		}
		if err != nil {
			require.Less(t, len(err.Error()), 300)
		}
	})
}

func TestBootFlagsAreReadFromIpmitool(t *testing.T) {
	t.Parallel()
	for data, want := range map[string]override{
		"0004000000": {device: "pxe", once: true},                         // ipmi_sim, 2026-11
		"a004000000": {device: "pxe", once: true, valid: true, efi: true}, // table 28-14
		"c008000000": {device: "disk", valid: true},
		"0000000000": {device: "none", once: true},
		"8014000000": {device: "selector 5", valid: true, once: true},
	} {
		got, err := parseBootFlags("Boot parameter version: 1\nBoot parameter data: " + data + "\n Boot Flags :\n")
		require.NoError(t, err)
		require.Equal(t, want, got, data)
	}
	_, err := parseBootFlags("Boot parameter data: 00\n")
	require.ErrorContains(t, err, "no boot flags")
}

func FuzzParseBootFlags(f *testing.F) {
	f.Add("Boot parameter data: a004000000")
	f.Fuzz(func(t *testing.T, out string) {
		got, err := parseBootFlags(out)
		require.Equal(t, err == nil, got.device != "")
	})
}

func TestRefusalsAreClassified(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		exchange
		want error // nil: weather
	}{
		{exchange{status: 401}, metal.ErrBadCredentials},
		{exchange{status: 403}, metal.ErrBadCredentials},
		{exchange{status: 403, session: true}, metal.ErrBadCredentials}, // the role lacks a privilege
		{exchange{status: 401, session: true}, nil},                     // the BMC restarted and lost its sessions
		{exchange{status: 401, body: []byte(`insufficient resources for SESSION`)}, nil},
		{exchange{status: 403, body: []byte(`{"error":{"code":"Base.1.0.SessionLimitExceeded"}}`)}, nil},
		{exchange{status: 405}, metal.ErrUnsupported},
		{exchange{status: 501}, metal.ErrUnsupported},
		{exchange{status: 400}, nil},
		{exchange{status: 404}, nil},
		{exchange{status: 503}, nil},
	} {
		err := c.refusal()
		require.Equal(t, c.want != nil, permanent(err), "%v", err)
		if c.want != nil {
			require.ErrorIs(t, err, c.want)
		}
	}
}

func TestARefusalCarriesTheMessageIDAndNoneOfTheProse(t *testing.T) {
	t.Parallel()
	e := exchange{method: http.MethodPost, path: "/redfish/v1/x", status: 409, body: []byte(
		`{"error":{"code":"Base.1.8.GeneralError","message":"prose","@Message.ExtendedInfo":[{"MessageId":"IDRAC.2.7.PSU501","Message":"prose"}]}}`)}
	require.EqualError(t, e.refusal(), "POST /redfish/v1/x: HTTP 409 IDRAC.2.7.PSU501")
	e.body = []byte(`{"error":{"code":"prose that poses as a code"}}`)
	require.EqualError(t, e.refusal(), "POST /redfish/v1/x: HTTP 409")
}

func FuzzRefusal(f *testing.F) {
	f.Add([]byte(`{"error":{"code":"Base.1.8.GeneralError"}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		text := exchange{method: "GET", path: "/p", status: 500, body: body}.refusal().Error()
		require.Less(t, len(text), 150)
		require.Equal(t, -1, strings.IndexFunc(text, func(r rune) bool { return r < ' ' || r > '~' }))
	})
}

func TestAddressesMayLeaveThePortOut(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"10.0.0.7": "10.0.0.7:443", "10.0.0.7:8443": "10.0.0.7:8443", "m7-bmc.lab": "m7-bmc.lab:443",
		"2001:db8::7": "[2001:db8::7]:443", "[2001:db8::7]": "[2001:db8::7]:443", "[2001:db8::7]:8443": "[2001:db8::7]:8443",
	} {
		at, err := endpointOf(metal.BMC{Address: address, Protocol: metal.Redfish})
		require.NoError(t, err, address)
		require.Equal(t, want, at.String())
		require.Equal(t, want, at.literal()+":"+at.port, "as bmclib puts it together")
	}
	at, err := endpointOf(metal.BMC{Address: "10.0.0.7", Protocol: metal.IPMI})
	require.NoError(t, err)
	require.Equal(t, "623", at.port)
	for _, address := range []string{"", ":443", "10.0.0.7:", "a:b:c"} {
		_, err := endpointOf(metal.BMC{Address: address, Protocol: metal.Redfish})
		require.ErrorContains(t, err, "want host or host:port", address)
	}
}

func TestAPlainErrorIsShortAndHidesThePassword(t *testing.T) {
	t.Parallel()
	inner := errors.New("login with s3cret\n refused " + strings.Repeat("é", 400))
	err := plain(inner, metal.Credential{User: "admin", Password: "s3cret"})
	require.Contains(t, err.Error(), "login with *** refused")
	require.Less(t, len(err.Error()), 220)
	require.NotErrorIs(t, err, inner, "the chain would still hold it")
}
