package workflows

import (
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

func TestProvisionMakesAnIdleMachineTheTenants(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 2)
	in := w.ordered("o1", metal.OrderInput{Action: metal.ActionProvision})
	require.NoError(t, w.run(Provision, in))
	require.Equal(t, []string{"ClaimMachine", "ParkPort", "BootAgent", "PowerOff", "PowerOn", "OpenPort", "BootDisk", "ActivateDevice"}, w.calls)
}
