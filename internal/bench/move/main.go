// Command move measures how long an elastic address is away when it moves from
// one machine to another: on a switch of network namespaces that runs FRR, from
// the driver's call to the first answer of the new machine. It needs root and
// the programs that package netrack names. Its last line is one JSON object.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"os/signal"
	"slices"
	"time"

	"millwright/internal/frr"
	"millwright/internal/metal"
	"millwright/internal/netrack"
)

const (
	moves = 20 // enough for a median
	// patience is for an address that does not come: FRR answers in a second.
	patience = 30 * time.Second
)

var elastic = netip.MustParsePrefix("203.0.113.64/32")

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

func measure(ctx context.Context) error {
	r, err := netrack.Start(ctx, netrack.Options{Hosts: 2})
	if err != nil {
		return err
	}
	defer r.Stop()
	d := &frr.Driver{Credentials: r.Credentials}
	if err := apply(ctx, d, r, r.Tenant(0), r.Tenant(1)); err != nil {
		return err
	}
	var seconds []float64
	for i := range moves {
		took, err := move(ctx, d, r, (i+1)%2, i%2)
		if err != nil {
			return err
		}
		fmt.Printf("move %2d: %.3f s from call to answer\n", i+1, took.Seconds())
		seconds = append(seconds, took.Seconds())
	}
	slices.Sort(seconds)
	fmt.Printf("slowest %.3f s; limit: median 2 s\n", seconds[moves-1])
	return json.NewEncoder(os.Stdout).Encode(result{Median: seconds[moves/2], Moves: moves})
}

// move takes the address from one machine and routes it to the other, which
// wears it already: only the answer of that one counts.
func move(ctx context.Context, d *frr.Driver, r *netrack.Rack, old, now int) (time.Duration, error) {
	from, to := r.Tenant(old), r.Tenant(now)
	to.Routed = []netip.Prefix{elastic}
	if _, err := r.Host(old).Run(ctx, "ip", "addr", "flush", "dev", "lo", "to", elastic.String()); err != nil {
		return 0, err
	}
	for host, p := range map[*netrack.Host]metal.PortIntent{r.Host(old): from, r.Host(now): to} {
		if err := host.Wear(ctx, p); err != nil {
			return 0, err
		}
	}
	began := time.Now()
	if err := apply(ctx, d, r, from, to); err != nil {
		return 0, err
	}
	return answered(ctx, r.Outside, began)
}

func apply(ctx context.Context, d *frr.Driver, r *netrack.Rack, ports ...metal.PortIntent) error {
	done, err := d.Apply(ctx, r.Switch(), func(context.Context) (metal.Change, error) {
		return metal.Change{Ports: ports, Comment: "bench/move"}, nil
	})
	if err == nil && len(done.Refused) > 0 {
		err = fmt.Errorf("ports refused: %v", done.Refused)
	}
	return err
}

// answered asks until there is an answer. One that is lost is asked again soon.
func answered(ctx context.Context, from *netrack.Node, began time.Time) (time.Duration, error) {
	var words string
	for time.Since(began) < patience {
		var err error
		if words, err = from.Run(ctx, "ping", "-n", "-c", "1", "-W", "0.1", elastic.Addr().String()); err == nil {
			return time.Since(began), nil
		}
	}
	return 0, fmt.Errorf("%s did not answer within %v: %s", elastic.Addr(), patience, words)
}
