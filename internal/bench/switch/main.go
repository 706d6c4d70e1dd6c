// Command switch measures how many ports change at once: 48 of one switch, then
// 1,000 on 24 switches, each switch with commits that take three seconds. Each
// port has a caller of its own, which writes its intent and waits until its
// switch reads it back, as ParkPort and OpenPort do.
//
// The committer, the Junos driver and Postgres are production's; the switches
// are the lab's, on NETCONF over SSH on loopback. Commits are what the switches
// themselves counted: a change is two, one that waits for its confirmation and
// that. A port is lost when its caller heard an error, or when its switch's
// running configuration is not as intended. The last line is one JSON object.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"os/signal"
	"syscall"
	"time"
)

const (
	commitTakes = 3 * time.Second // a QFX5100 with a rack's configuration takes three to five

	// Limits.
	mostCommits = 4
	mostSeconds = 30
)

// result is the last line. Limits: ports_48_commits 4, ports_1000_s 30, lost 0.
type result struct {
	Commits48   int     `json:"ports_48_commits"`
	Seconds48   float64 `json:"ports_48_s"`
	Commits1000 int     `json:"ports_1000_commits"`
	Seconds1000 float64 `json:"ports_1000_s"`
	Lost        int     `json:"lost"`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := measure(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench/switch:", err)
		os.Exit(1)
	}
}

func measure(ctx context.Context) (err error) {
	b, err := start(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.stop()) }()
	fmt.Printf("%5s %8s %8s  %-13s %8s %8s %8s %8s %5s\n", "ports", "switches", "commit", "all become", "commits", "most", "median", "all", "lost")
	one, err := b.rack(ctx, "one", 48, 1)
	if err != nil {
		return err
	}
	many, err := b.rack(ctx, "many", 1000, 24)
	if err != nil {
		return err
	}
	r := result{
		Commits48: one.commits, Seconds48: seconds(one.all), Commits1000: many.commits, Seconds1000: seconds(many.all),
		Lost: one.lost + many.lost,
	}
	fmt.Printf("limits: %d commits for 48 ports, %d s for 1,000, none lost\n", mostCommits, mostSeconds)
	if err := json.NewEncoder(os.Stdout).Encode(r); err != nil {
		return err
	}
	if r.Commits48 > mostCommits || r.Seconds1000 > mostSeconds || r.Lost > 0 {
		return errors.New("a limit is not kept")
	}
	return nil
}

// seconds to two digits.
func seconds(d time.Duration) float64 { return math.Round(d.Seconds()*100) / 100 }
