package lab_test

import (
	"net"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// Who is cut off comes back at the same address, and nobody else notices.
func TestASwitchAndABMCCanBeCutOffAndComeBack(t *testing.T) {
	t.Parallel()
	r := setup(t)
	for _, target := range []string{"switch/tor-r1", "bmc/m1"} {
		other, err := r.lab.Line("bmc/m2")
		require.NoError(t, err)
		l, err := r.lab.Line(target)
		require.NoError(t, err)
		reached := func(address net.Addr) error {
			c, err := net.Dial("tcp", address.String())
			if err == nil {
				require.NoError(t, c.Close())
			}
			return err
		}
		require.NoError(t, reached(l.Addr()), target)
		l.Refuse()
		require.ErrorIs(t, reached(l.Addr()), syscall.ECONNREFUSED, target)
		require.NoError(t, reached(other.Addr()))
		require.NoError(t, l.Heal())
		require.NoError(t, reached(l.Addr()), target)
	}
	_, err := r.lab.Line("bmc/m9")
	require.ErrorContains(t, err, `unknown target "bmc/m9"`)
	_, err = r.lab.Line("machine/m1")
	require.Error(t, err, "a machine has no listener")
}
