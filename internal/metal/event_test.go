package metal_test

import (
	"math"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

func TestAnEventsIDIsAUUIDThatLeadsBackToItsNumber(t *testing.T) {
	t.Parallel()
	for _, number := range []int64{1, 2, 4711, 1 << 32, math.MaxInt64 >> 1} {
		id := metal.EventID(number)
		parsed, err := uuid.Parse(id)
		require.NoError(t, err)
		require.Equal(t, uuid.Version(8), parsed.Version())
		require.Equal(t, uuid.RFC4122, parsed.Variant())
		require.Equal(t, number, metal.EventNumber(id))
	}
}

func TestWhatIsNoEventsIDLeadsNowhere(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"", "1", uuid.NewString(), "6576656e-7400-8000-8000-00000000000", "6576656e-7400-8000-8000-0000000000011",
		"6576656e-7400-8000-c000-000000000001", "6576656E-7400-8000-8000-00000000000a", "6576656e-7400-8000-8000-00000000000A"} {
		require.Zero(t, metal.EventNumber(id), id)
	}
}

func FuzzEventNumber(f *testing.F) {
	f.Add("6576656e-7400-8000-8000-00000000002a")
	f.Fuzz(func(t *testing.T, id string) {
		if n := metal.EventNumber(id); n != 0 {
			require.Equal(t, id, metal.EventID(n))
		}
	})
}

func TestTenantsReadNothingOfSwitchesAndMachines(t *testing.T) {
	t.Parallel()
	for kind, body := range map[string]string{
		"port":       "port tor1:xe-0/0/1 is parked",
		"power":      "machine m1 is on, boots the disk",
		"boot":       "boot 3 of machine m1 is the agent, to erase",
		"kexec":      "machine m1 reboots instead of kexec from now on",
		"quarantine": "machine m1 is in quarantine: its BMC at 10.0.0.1 is silent",
		"claim":      "reinstall begins",
		"unheard-of": "machine m1",
	} {
		typ, words := metal.TellTenants(kind, body)
		require.Empty(t, typ, kind)
		require.Empty(t, words, kind)
	}
	for kind, body := range map[string]string{
		"claim":   "machine m1 claimed, on tor1:xe-0/0/1",
		"port":    "port tor1:xe-0/0/1 is tenant",
		"boot":    "machine m1 leaves the agent for its disk",
		"release": "machine m1 and addresses given back",
		"failed":  "tor1: commit: lock held by session 41",
	} {
		typ, words := metal.TellTenants(kind, body)
		require.NotEmpty(t, typ, kind)
		require.NotRegexp(t, `m1|tor1`, words, kind)
	}
}

func TestWhatIsWrittenForTenantsIsToldAsItIs(t *testing.T) {
	t.Parallel()
	typ, words := metal.TellTenants("ip_reservation.created", "198.51.100.0/29 is reserved")
	require.Equal(t, "ip_reservation.created", typ)
	require.Equal(t, "198.51.100.0/29 is reserved", words)
	typ, words = metal.TellTenants("user-state", "the system says: running 1000 hello")
	require.Equal(t, "instance.user_state", typ)
	require.Equal(t, "the system says: running 1000 hello", words)
}
