package dns_test

import (
	"context"
	"encoding/base64"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/dns"
	"millwright/internal/dns/dnstest"
	"millwright/internal/metal"
)

func TestAWrongKeyIsPermanentAndStaysSecret(t *testing.T) {
	t.Parallel()
	server := dnstest.Start(t, names)
	zone := server.Zone(names)
	sha512 := zone
	sha512.Algorithm = "hmac-sha512"
	wrong := base64.StdEncoding.EncodeToString([]byte("a secret that nobody else knows."))
	for want, c := range map[string]struct {
		zone metal.Zone
		key  metal.Credential
	}{
		"no key stranger. for hmac-sha256 (BADKEY)": {zone, metal.Credential{User: "Stranger", Password: wrong}},
		"key millwright. has another secret":        {zone, metal.Credential{User: "millwright", Password: wrong}},
		"for hmac-sha512 (BADKEY)":                  {sha512, metal.Credential{User: "millwright", Password: server.Secret}},
		"key reader. may not update":                {zone, server.Reader},
		"its password is not base64":                {zone, metal.Credential{User: "millwright", Password: "!secret!"}},
		"its user is no TSIG key's name":            {zone, metal.Credential{User: "a..b", Password: wrong}},
	} {
		d := driver(server)
		d.Credentials = func(context.Context, string) (metal.Credential, error) { return c.key, nil }
		err := d.Set(t.Context(), c.zone, record(first, "192.0.2.1"))
		require.ErrorIs(t, err, metal.ErrBadCredentials)
		require.ErrorContains(t, err, want)
		require.ErrorContains(t, err, "name server "+server.Addr+": zone lab1.example.net: set "+web)
		require.NotContains(t, err.Error(), c.key.Password)
	}
	require.Empty(t, server.Dig(t, web, "A"))
}

func TestACredentialThatIsMissingIsSaid(t *testing.T) {
	t.Parallel()
	d := &dns.Driver{Credentials: func(context.Context, string) (metal.Credential, error) {
		return metal.Credential{}, metal.ErrNoSecret
	}}
	zone := metal.Zone{Name: names, Server: "127.0.0.1:1", Credential: "dns"}
	require.ErrorIs(t, d.Remove(t.Context(), zone, web, first), metal.ErrNoSecret)
}

func TestClocksThatDifferAreWeather(t *testing.T) {
	t.Parallel()
	d, server := setup(t)
	for _, ahead := range []time.Duration{10 * time.Minute, -10 * time.Minute} {
		d.At(func() time.Time { return time.Now().Add(ahead) })
		err := d.Set(t.Context(), server.Zone(names), record(first, "192.0.2.1"))
		require.ErrorContains(t, err, "(BADTIME); set both by NTP")
		require.Regexp(t, `differs from ours by -?(10m|9m5\d)`, err.Error())
		requireWeather(t, err)
	}
	d.At(func() time.Time { return time.Now().Add(4 * time.Minute) }) // the server's answers are as old for us
	require.NoError(t, d.Set(t.Context(), server.Zone(names), record(first, "192.0.2.1")))
}

func TestAZoneThatTheServerDoesNotHaveIsPermanent(t *testing.T) {
	t.Parallel()
	d, server := setup(t)
	zone := server.Zone("lab2.example.net")
	err := d.Set(t.Context(), zone, metal.Record{Name: "web1.lab2.example.net", Addresses: addrs("192.0.2.1"), Owner: first})
	require.ErrorIs(t, err, metal.ErrBadZone)
	require.ErrorContains(t, err, "does not serve this zone")

	// The names of the parent zone are answered for, and the zone is still not there.
	zone = server.Zone("acme.lab1.example.net")
	err = d.Set(t.Context(), zone, record(first, "192.0.2.1"))
	require.ErrorIs(t, err, metal.ErrBadZone)
	require.ErrorContains(t, err, "not the primary of this zone, or takes no updates at all (NOTAUTH)")

	server.Edit(t, "add acme.lab1.example.net 60 NS ns.acme.example.")
	err = d.Set(t.Context(), server.Zone(names), record(first, "192.0.2.1"))
	require.ErrorIs(t, err, metal.ErrBadZone)
	require.ErrorContains(t, err, "has delegated the name")

	bad := server.Zone(names)
	bad.Algorithm = "hmac-md5"
	require.ErrorIs(t, d.Remove(t.Context(), bad, web, first), metal.ErrBadZone)
}

func TestATransferThatIsRefusedSaysWhatToAllow(t *testing.T) {
	t.Parallel()
	d, server := setup(t)
	d.Credentials = func(context.Context, string) (metal.Credential, error) { return server.Reader, nil }
	_, err := d.Owned(t.Context(), server.Zone(names))
	require.ErrorIs(t, err, metal.ErrBadCredentials)
	require.ErrorContains(t, err, "allow-transfer")
}

func TestAServerThatIsAwayIsWeather(t *testing.T) {
	t.Parallel()
	d, server := setup(t)
	zone := server.Zone(names)
	require.NoError(t, d.Set(t.Context(), zone, record(first, "192.0.2.1")))
	server.Stop(t)
	err := d.Set(t.Context(), zone, record(first, "192.0.2.2"))
	require.ErrorContains(t, err, "connect: dial tcp "+server.Addr)
	requireWeather(t, err)

	server.Restart(t)
	require.NoError(t, d.Set(t.Context(), zone, record(first, "192.0.2.2")))
	require.Equal(t, []string{"192.0.2.2"}, server.Dig(t, web, "A"))
}

func TestAServerThatDoesNotAnswerIsWeather(t *testing.T) {
	t.Parallel()
	d, server := setup(t)
	server.Pause(t)
	d.Timeout = 50 * time.Millisecond
	for _, ask := range []func() error{
		func() error { return d.Set(t.Context(), server.Zone(names), record(first, "192.0.2.1")) },
		func() error { _, err := d.Owned(t.Context(), server.Zone(names)); return err },
	} {
		err := ask()
		var timeout net.Error
		require.ErrorAs(t, err, &timeout)
		require.True(t, timeout.Timeout())
		requireWeather(t, err)
	}
	server.Resume(t)
	d.Timeout = 30 * time.Second
	require.NoError(t, d.Set(t.Context(), server.Zone(names), record(first, "192.0.2.1")))
}

func TestACallEndsWithItsContext(t *testing.T) {
	t.Parallel()
	d, server := setup(t)
	server.Pause(t)
	d.Timeout = time.Hour
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, d.Set(ctx, server.Zone(names), record(first, "192.0.2.1")), context.DeadlineExceeded)
	ctx, cancel = context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	_, err := d.Owned(ctx, server.Zone(names))
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, d.Remove(ctx, server.Zone(names), web, first), context.Canceled)
}

// requireWeather wants an error that a retry may mend.
func requireWeather(t *testing.T, err error) {
	t.Helper()
	require.Error(t, err)
	for _, permanent := range []error{metal.ErrBadCredentials, metal.ErrBadZone, metal.ErrNameTaken, metal.ErrInvalidName, metal.ErrUnsupported} {
		require.NotErrorIs(t, err, permanent)
	}
}
