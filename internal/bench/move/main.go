// Command move measures how long an elastic address is away when it moves from
// one machine to another: through a switch of network namespaces that runs FRR,
// from the start of the run that moves it to the first answer of the new
// machine. Everything of Millwright is in it: Temporal, Postgres, a worker. It
// needs root and the programs that package netrack names. Its last line is one
// JSON object.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/signal"
	"slices"
	"time"

	"millwright/internal/metal"
	"millwright/internal/netrack"
	"millwright/internal/rig"
)

const (
	moves = 20 // enough for a median
	// patience is for an address that does not come: FRR answers in a second.
	patience    = 30 * time.Second
	reservation = metal.ReservationID("5a1b8f1e-6a55-4c1a-9a65-0d3b2f6a7b13")
)

// result is the last line. Limit: move_median_s 2.
type result struct {
	Median float64 `json:"move_median_s"`
	Moves  int     `json:"moves"`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := measure(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench/move:", err)
		os.Exit(1)
	}
}

// bench is a rig with a rack of namespaces, and two devices on it.
type bench struct {
	*rig.Rig
	rack    *netrack.Rack
	devices [2]metal.DeviceID
	elastic netip.Prefix
}

func measure(ctx context.Context) (err error) {
	r, err := rig.Start(ctx, rig.Config{Machines: 2})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Stop()) }()
	rack, err := netrack.Start(ctx, netrack.Options{Name: "tor-k1", Hosts: 2})
	if err != nil {
		return err
	}
	defer rack.Stop()
	b := &bench{Rig: r, rack: rack}
	if err := b.prepare(ctx); err != nil {
		return err
	}
	var seconds []float64
	for i := range moves {
		took, err := b.move(ctx, (i+1)%2, i%2)
		if err != nil {
			return err
		}
		fmt.Printf("move %2d: %.3f s from the run's start to the answer\n", i+1, took.Seconds())
		seconds = append(seconds, took.Seconds())
	}
	slices.Sort(seconds)
	fmt.Printf("slowest %.3f s; limit: median 2 s\n", seconds[moves-1])
	return json.NewEncoder(os.Stdout).Encode(result{Median: seconds[moves/2], Moves: moves})
}

func (b *bench) prepare(ctx context.Context) error {
	if err := b.AddRack(ctx, b.rack, 2); err != nil {
		return err
	}
	for i := range b.devices {
		var err error
		if b.devices[i], err = b.Settle(ctx, metal.OrderID(fmt.Sprintf("o%d", i))); err != nil {
			return err
		}
	}
	reserved, err := b.Store.Reserve(ctx, metal.ReservationWish{ID: reservation, Project: "acme", Site: rig.RackSite, Family: 4, Bits: 32})
	if err != nil {
		return err
	}
	b.elastic = reserved.Prefix
	return b.Move(ctx, reservation, b.elastic, b.devices[1])
}

// move gives the address from one device to the other, which wears it already:
// only the answer of that one counts.
func (b *bench) move(ctx context.Context, old, now int) (time.Duration, error) {
	for i, elastic := range map[int][]netip.Prefix{old: nil, now: {b.elastic}} {
		port, n, err := b.PortOf(ctx, b.rack, b.devices[i])
		if err != nil {
			return 0, err
		}
		if _, err := b.rack.Host(n).Run(ctx, "ip", "addr", "flush", "dev", "lo", "to", b.elastic.String()); err != nil {
			return 0, err
		}
		port.Routed = elastic
		if err := b.rack.Host(n).Wear(ctx, port); err != nil {
			return 0, err
		}
	}
	began, moved := time.Now(), make(chan error, 1)
	go func() { moved <- b.Move(ctx, reservation, b.elastic, b.devices[now]) }()
	took, err := answered(ctx, b.rack.Outside, b.elastic.Addr(), began)
	return took, errors.Join(err, <-moved)
}

// answered asks until there is an answer. One that is lost is asked again soon.
func answered(ctx context.Context, from *netrack.Node, elastic netip.Addr, began time.Time) (time.Duration, error) {
	var words string
	for time.Since(began) < patience {
		var err error
		if words, err = from.Run(ctx, "ping", "-n", "-c", "1", "-W", "0.1", elastic.String()); err == nil {
			return time.Since(began), nil
		}
	}
	return 0, fmt.Errorf("%s did not answer within %v: %s", elastic, patience, words)
}
