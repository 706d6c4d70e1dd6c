package rack

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

// Everything that an install touches was written by somebody else, and two
// things go wrong: the boot services die while they serve the image, and the
// machine loses its power while it writes it. It is emulated wherever it runs,
// so that it takes as long here as there.
func TestADeviceLivesOnARealMachine(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 18*time.Minute)
	defer cancel()
	r, err := Start(ctx, Options{
		Machines: []metal.Firmware{metal.BIOS}, TCG: true, NoFsync: true, Disturb: true,
		// An agent that lost its power is missed when Install is over.
		Limits: metal.Limits{Boot: 3 * time.Minute, Install: 3 * time.Minute, PhoneHome: 6 * time.Minute},
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.Stop()) })
	result, err := r.Life(ctx, r.Machines[0], writer(func(p []byte) (int, error) { t.Logf("%s", p); return len(p), nil }))
	require.NoError(t, err)
	require.True(t, result.Erased)
	require.NotZero(t, result.PhoneHome)
	require.NotZero(t, result.Rescue)
	leaks, err := r.Leaks(ctx)
	require.NoError(t, err)
	require.Empty(t, leaks)
}

func TestATimelineIsReadFromTheOrderOn(t *testing.T) {
	t.Parallel()
	order := time.Date(2026, 11, 22, 20, 0, 0, 0, time.UTC)
	line := timeline{order: order}
	line.add("power", order.Add(1250*time.Millisecond))
	line.add("DHCP", time.Time{}) // not seen
	require.Equal(t, 1.3, line.seconds("power"))
	require.Zero(t, line.seconds("DHCP"))
	require.Len(t, line.moments, 1)
}

func TestTheDiaryKnowsMachinesByTheirMACs(t *testing.T) {
	t.Parallel()
	var d diary
	d.owns("q1", "52:54:00:4d:57:01")
	at := time.Now()
	d.relayed("Forwarded BOOTREQUEST for 52:54:00:4D:57:01 to 10.255.0.1", at)
	d.relayed("Forwarded BOOTREQUEST for 52:54:00:4d:57:02 to 10.255.0.1", at)
	d.write("q1", chassisSays+"power on", at.Add(time.Second))
	found, ok := d.first("q1", at, func(l string) bool { return l == relaySays+"request" })
	require.True(t, ok)
	require.Equal(t, at, found)
	_, ok = d.first("q1", at.Add(time.Millisecond), func(l string) bool { return l == relaySays+"request" })
	require.False(t, ok, "what was seen before does not count")
	require.Equal(t, 2, len(d.entries), "a stranger's packets are nobody's")
}
