// Command fleet measures what a thousand devices cost that are ordered at once,
// or one after another at a rate: the time from order to active, what Millwright
// adds to the machines' own time, and the CPU, history and database that a run
// takes. Everything runs on this machine, the simulated data centre too, on a
// Postgres that waits for its disk. The last line is one JSON object.
//
// It is told by the environment, so that `make bench/fleet N=1000 RATE=4` works:
// N devices; POST times of the machines, such as 60s-180s; RATE of orders per
// second, where none is all at once; AT_ONCE, to order all as one Fleet with so many runs under way
// at a time; WORKERS; BIN, a folder of programs to measure instead of bin/.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"time"

	"millwright/internal/lab"
)

// Limits on two cores: of machines that boot at once, and of what Millwright
// adds to the time of machines that take 60 to 180 s.
const (
	mostSeconds       = 300 // 1,000 at once
	mostAdded         = 20  // p95; 200 at once, or 1,000 at 4 per second
	mostAddedThousand = 120 // p95; 1,000 at once
)

// load is what is asked for.
type load struct {
	n       int
	post    lab.Span
	rate    float64 // orders per second; 0 is all at once
	workers int
	atOnce  int           // runs under way at a time, of one Fleet that orders them all; 0 is an order each
	bin     string        // folder of all programs; empty finds the module's bin/
	patient time.Duration // until the bench gives up
	noFsync bool          // for tests: a disk that nobody waits for
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	asked, err := fromEnvironment(os.Getenv)
	if err == nil {
		var told result
		if told, err = run(ctx, asked, os.Stdout); err == nil {
			err = json.NewEncoder(os.Stdout).Encode(told)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench/fleet:", err)
		os.Exit(1)
	}
}

// fromEnvironment reads a load; what is not said has a default.
func fromEnvironment(get func(string) string) (l load, err error) {
	l = load{n: 100, workers: 1, bin: get("BIN")}
	for name, into := range map[string]*int{"N": &l.n, "WORKERS": &l.workers, "AT_ONCE": &l.atOnce} {
		if text := get(name); text != "" {
			if *into, err = strconv.Atoi(text); err != nil || *into < 1 {
				return l, fmt.Errorf("%s=%q: want a whole number above 0", name, text)
			}
		}
	}
	if text := get("POST"); text != "" {
		if err := l.post.UnmarshalText([]byte(text)); err != nil {
			return l, fmt.Errorf("POST=%w", err)
		}
	}
	if text := get("RATE"); text != "" {
		if l.rate, err = strconv.ParseFloat(text, 64); err != nil || l.rate < 0 {
			return l, fmt.Errorf("RATE=%q: want orders per second, such as 4", text)
		}
	}
	l.patient = 10*time.Minute + 4*l.post.Max + time.Duration(l.n)*time.Second
	return l, nil
}
