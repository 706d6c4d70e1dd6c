package burnin

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

// peer is the other end: it takes and gives a MiB with each turn.
type peer struct {
	mac   string
	fault func(turn int) error
	turns int
}

func (p *peer) MAC() string { return strings.ToUpper(p.mac) }

func (p *peer) Receive(ctx context.Context, _ time.Duration) (Moved, error) {
	p.turns++
	if p.fault != nil {
		if err := p.fault(p.turns); err != nil {
			return Moved{}, err
		}
	}
	return Moved{1 << 20, time.Millisecond}, ctx.Err()
}

func (p *peer) Send(ctx context.Context, d time.Duration) (Moved, error) { return p.Receive(ctx, d) }

var aMoment = metal.BurnIn{Network: 40 * time.Millisecond}

func TestALinkThatCarriesEverythingPasses(t *testing.T) {
	t.Parallel()
	cfg := tree(t)
	cfg.Peer = &peer{mac: mac}
	results := burn(t, cfg, aMoment)
	require.Len(t, results, 1, "loopback is no card")
	require.Equal(t, mac, results[0].Part)
	require.True(t, results[0].Passed, results[0].Detail)
	for _, figure := range []string{"receive_mib", "receive_mib_s", "send_mib", "send_mib_s"} {
		require.Positive(t, results[0].Figures[figure], figure)
	}
	require.EqualValues(t, 25000, results[0].Figures["mbps"])
	require.Zero(t, results[0].Figures["wrong_frames"], "what was wrong before is not this test's")
}

func TestWhatANetworkCardCountsMeanwhileFailsIt(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		files map[string]string
		want  string
	}{
		"wrong frames": {map[string]string{"statistics/rx_crc_errors": "10", "statistics/rx_errors": "10", "statistics/rx_packets": "901000"}, "3 of 900000 frames were wrong"},
		"a flap":       {map[string]string{"carrier_changes": "4"}, "came back, 2 changes"},
		"no link":      {map[string]string{"carrier": "0"}, "is down"},
	} {
		cfg := tree(t)
		cfg.Peer = &peer{mac: mac, fault: func(turn int) error {
			for file, content := range c.files {
				show(t, cfg, map[string]string{"sys/class/net/eth0/" + file: content})
			}
			return nil
		}}
		results := burn(t, cfg, aMoment)
		require.False(t, results[0].Passed, name)
		require.Contains(t, results[0].Detail, c.want)
	}
}

func TestOneWrongFrameInTenMillionIsTheCablesRight(t *testing.T) {
	t.Parallel()
	before := card{carrier: true}
	r := compare(metal.BurnInResult{Passed: true}, before, card{carrier: true, frames: 50_000_000, wrong: 5})
	require.True(t, r.Passed, r.Detail)
	r = compare(metal.BurnInResult{Passed: true}, before, card{carrier: true, frames: 50_000_000, wrong: 6})
	require.False(t, r.Passed)
}

func TestDamageFailsALinkAndAPeerThatIsAwayForAMomentDoesNot(t *testing.T) {
	t.Parallel()
	away := errors.New("connection refused")
	for name, c := range map[string]struct {
		fault  func(turn int) error
		passed bool
		want   string
	}{
		"damage":        {func(turn int) error { return map[bool]error{true: fmt.Errorf("at byte 7: %w", ErrDamaged)}[turn == 3] }, false, "at byte 7: the content changed on its way"},
		"away at first": {func(turn int) error { return map[bool]error{true: away}[turn == 1] }, true, ""},
		"away":          {func(int) error { return away }, false, "connection refused"},
	} {
		cfg := tree(t)
		cfg.Peer = &peer{mac: mac, fault: c.fault}
		results := burn(t, cfg, metal.BurnIn{Network: time.Second})
		require.Equal(t, c.passed, results[0].Passed, name)
		require.Contains(t, results[0].Detail, c.want)
	}
}

func TestANetworkWithoutAPeerDidNotPass(t *testing.T) {
	t.Parallel()
	results := burn(t, tree(t), aMoment)
	require.Len(t, results, 2)
	require.True(t, results[0].Passed, "the card itself has nothing wrong")
	require.Contains(t, results[1].Detail, "nobody to send to")
}
