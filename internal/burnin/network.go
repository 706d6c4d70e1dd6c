package burnin

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"millwright/internal/metal"
)

// Peer is the other end of the network.
type Peer interface {
	// Receive takes noise from it, and Send gives it noise, for as long as they
	// are told to at most: either may end earlier, and be asked for again. What
	// does not arrive as it was sent is ErrDamaged; other errors are weather.
	Receive(ctx context.Context, length time.Duration) (Moved, error)
	Send(ctx context.Context, length time.Duration) (Moved, error)
	// MAC is of the network card, or bond, by which it is reached.
	MAC() string
}

// Moved is what went over the network, and in how much time: without what the
// peer took until it had time for this machine.
type Moved struct {
	Bytes int64
	Took  time.Duration
}

// ErrDamaged is content that came over the network changed.
var ErrDamaged = errors.New("the content changed on its way")

// A link may lose one frame in ten million, rounded down. Ethernet without error
// correction allows one wrong bit in 10^12 (IEEE 802.3, 44.1.1), which is one
// full frame in 80 million.
const framesPerError = 10_000_000

// network fills the link to the peer, in one direction and then the other, and
// counts what every network card with a carrier dropped meanwhile.
func (b *bench) network(ctx context.Context, length time.Duration) []metal.BurnInResult {
	began, before := time.Now(), b.cards()
	moved := b.traffic(ctx, length)
	after := b.cards()
	took := time.Since(began).Round(time.Millisecond).Seconds()
	var results []metal.BurnInResult
	carried := false
	for _, mac := range slices.Sorted(maps.Keys(before)) {
		r := compare(metal.BurnInResult{Test: testNetwork, Part: mac, Passed: true, Seconds: took}, before[mac], after[mac])
		if mac == moved.mac {
			r, carried = moved.into(r), true
		} else if ctx.Err() != nil {
			r = failed(r, fmt.Sprintf("cut short: %v", context.Cause(ctx)))
		}
		results = append(results, r)
	}
	if !carried { // a bond whose address is none of its cards', or a virtual card
		r := metal.BurnInResult{Test: testNetwork, Part: moved.mac, Passed: true, Figures: map[string]float64{}, Seconds: took}
		results = append(results, moved.into(r))
	}
	return results
}

// traffic is what went to the peer and came from it.
type traffic struct {
	mac            string
	received, sent flow
}

func (b *bench) traffic(ctx context.Context, length time.Duration) traffic {
	if b.Peer == nil {
		nobody := flow{err: errors.New("there is nobody to send to")}
		return traffic{received: nobody, sent: nobody}
	}
	t := traffic{mac: strings.ToLower(b.Peer.MAC())}
	t.received = fill(ctx, length/2, b.Peer.Receive)
	t.sent = fill(ctx, length/2, b.Peer.Send)
	return t
}

func (t traffic) into(r metal.BurnInResult) metal.BurnInResult {
	for name, f := range map[string]flow{"receive": t.received, "send": t.sent} {
		r.Figures[name+"_mib"] = mib(float64(f.Bytes))
		if seconds := f.Took.Seconds(); seconds > 0 {
			r.Figures[name+"_mib_s"] = mib(float64(f.Bytes)) / seconds
		}
		if f.err != nil && (f.Bytes == 0 || errors.Is(f.err, ErrDamaged)) {
			r = failed(r, fmt.Sprintf("%s: %v", name, f.err))
		}
	}
	return r
}

// flow is one direction's.
type flow struct {
	Moved
	err error // the last one
}

// pause between two tries of a peer that is away, or has others to serve.
const pause = 100 * time.Millisecond

// fill asks for as much as goes through until the time is over. A peer that is
// away for a moment is asked again; damage is the end.
func fill(ctx context.Context, length time.Duration, move func(context.Context, time.Duration) (Moved, error)) (f flow) {
	for end := time.Now().Add(length); ; {
		left := time.Until(end)
		if left <= 0 || ctx.Err() != nil {
			return f.over(ctx)
		}
		moved, err := move(ctx, left)
		f.Bytes, f.Took = f.Bytes+moved.Bytes, f.Took+moved.Took
		if err == nil {
			continue
		}
		f.err = err
		if errors.Is(err, ErrDamaged) {
			return f
		}
		select {
		case <-time.After(min(pause, left)):
		case <-ctx.Done():
		}
	}
}

// over says why nothing went through, where nothing did, and that it was cut
// short.
func (f flow) over(ctx context.Context) flow {
	if f.Bytes == 0 && f.err == nil {
		f.err = errors.New("nothing went through")
	}
	if ctx.Err() != nil {
		f.Bytes, f.err = 0, fmt.Errorf("cut short: %w", context.Cause(ctx))
	}
	return f
}

// card is a network card's counters.
type card struct {
	mbps, frames, wrong, dropped, changes int64
	carrier                               bool
}

// cards are those with a carrier, by their MAC; BMCs that are reached as a card
// on USB are none.
func (b *bench) cards() map[string]card {
	all := map[string]card{}
	folder := filepath.Join(b.Root, "sys/class/net")
	entries, _ := os.ReadDir(folder) // none: a system without a network says so in its results
	for _, entry := range entries {
		at := filepath.Join(folder, entry.Name())
		device, err := filepath.EvalSymlinks(filepath.Join(at, "device"))
		if err != nil || strings.Contains(device, "/usb") || text(at+"/carrier") != "1" {
			continue
		}
		c := card{carrier: true, mbps: max(number(at+"/speed"), 0), changes: number(at + "/carrier_changes")}
		of := func(name string) int64 { return number(at + "/statistics/" + name) }
		c.frames = of("rx_packets") + of("tx_packets")
		// rx_errors sums the kinds in most drivers, and in some only a few of them.
		c.wrong = max(of("rx_errors"), of("rx_crc_errors")+of("rx_frame_errors")) + of("tx_errors")
		c.dropped = of("rx_dropped") + of("tx_dropped") + of("rx_missed_errors")
		mac := text(at + "/bonding_slave/perm_hwaddr") // else all cards of a bond have the same
		if mac == "" {
			mac = text(at + "/address")
		}
		all[mac] = c
	}
	return all
}

// compare fails a card that lost its link, or frames. What was dropped for want
// of room is a figure and no fault: it is the load that does it.
func compare(r metal.BurnInResult, before, after card) metal.BurnInResult {
	frames, wrong := after.frames-before.frames, after.wrong-before.wrong
	r.Figures = map[string]float64{"mbps": float64(before.mbps), "frames": float64(max(frames, 0)), "wrong_frames": float64(max(wrong, 0))}
	if n := after.dropped - before.dropped; n > 0 {
		r.Figures["dropped_frames"] = float64(n)
	}
	switch {
	case !after.carrier:
		r = failed(r, "the link was lost under load, and is down")
	case after.changes != before.changes:
		r = failed(r, fmt.Sprintf("the link was lost under load and came back, %d changes", after.changes-before.changes))
	case wrong > frames/framesPerError:
		r = failed(r, fmt.Sprintf("%d of %d frames were wrong: look at the cable and its transceivers", wrong, frames))
	}
	return r
}
