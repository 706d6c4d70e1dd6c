package netrack

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"
)

func TestARackIsCabledAndItsMachinesHaveNothingYet(t *testing.T) {
	t.Parallel()
	r := New(t, Options{Hosts: 2})
	ctx := t.Context()
	require.True(t, r.Outside.Reaches(ctx, BootAddress), "the switch routes between the outside and the boot services")
	require.NoError(t, r.Host(0).Wear(ctx, r.Tenant(0)))
	require.False(t, r.Host(0).Reaches(ctx, OutsideAddress), "nobody has configured the port")
	_, err := r.Tor.Shell(ctx, "ip link set swp1 up\nip addr add 198.51.100.0/31 dev swp1")
	require.NoError(t, err)
	somebody := func() bool { return r.Host(0).Reaches(ctx, OutsideAddress) }
	require.Eventually(t, somebody, 20*time.Second, 50*time.Millisecond, "somebody has")
}

func TestTwoRacksShareNothing(t *testing.T) {
	t.Parallel()
	one, other := New(t, Options{Name: "tor-a"}), New(t, Options{Name: "tor-b"})
	ctx := t.Context()
	require.NotEqual(t, one.Switch().Address, other.Switch().Address)
	_, err := one.Tor.Run(ctx, "vtysh", "-c", "configure terminal", "-c", "ip route 203.0.113.0/24 blackhole")
	require.NoError(t, err)
	for r, want := range map[*Rack]bool{one: true, other: false} {
		shown, err := r.Tor.Run(ctx, "vtysh", "-c", "show running-config")
		require.NoError(t, err)
		require.Contains(t, shown, "hostname "+r.Tor.Name)
		if want {
			require.Contains(t, shown, "203.0.113.0/24")
		} else {
			require.NotContains(t, shown, "203.0.113.0/24")
		}
	}
}

func TestTheSwitchTakesItsPasswordAndItsKeyAlone(t *testing.T) {
	t.Parallel()
	r := New(t, Options{})
	sw := r.Switch()
	password, err := r.Credentials(t.Context(), PasswordCredential)
	require.NoError(t, err)
	key, err := r.Credentials(t.Context(), KeyCredential)
	require.NoError(t, err)
	signer, err := ssh.ParsePrivateKey([]byte(key.Password))
	require.NoError(t, err)
	for _, try := range []struct {
		auth ssh.AuthMethod
		ok   bool
	}{{ssh.Password(password.Password), true}, {ssh.PublicKeys(signer), true}, {ssh.Password("guess"), false}} {
		client, err := ssh.Dial("tcp", sw.Address, &ssh.ClientConfig{
			User: "root", Auth: []ssh.AuthMethod{try.auth}, HostKeyCallback: ssh.InsecureIgnoreHostKey(),
		})
		require.Equal(t, try.ok, err == nil, "%v", err)
		if err != nil {
			continue
		}
		session, err := client.NewSession()
		require.NoError(t, err)
		name, err := session.Output("hostname")
		require.NoError(t, err)
		require.Equal(t, "tor-r1\n", string(name))
		require.NoError(t, client.Close())
	}
}

func TestStopEndsWhatRunsInTheRack(t *testing.T) {
	t.Parallel()
	r, err := Start(t.Context(), Options{Hosts: 1})
	require.NoError(t, err)
	sleeper := r.Host(0).Command(context.Background(), "sleep", "3600")
	require.NoError(t, sleeper.Start())
	r.Stop()
	require.Error(t, sleeper.Wait(), "killed with its node")
	require.NoDirExists(t, r.dir)
}
