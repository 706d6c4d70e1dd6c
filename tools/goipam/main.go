// Command goipam lets callers take from metal-stack/go-ipam, in their own
// process and on its Postgres back end, as fast as it gives, for bench/ipam:
//
//	GOIPAM_DSN=postgres://… goipam -callers 32 -conns 48 -for 1s -from 10.0.0.0/16 -bits 32
//
// It prints one JSON object. It has a module of its own, because go-ipam pins
// what Millwright does not want, and imports nothing of Millwright's.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/url"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/metal-stack/go-ipam"
)

func main() {
	var l load
	flag.IntVar(&l.callers, "callers", 1, "how many take at a time")
	flag.IntVar(&l.conns, "conns", 48, "how many of them may be at the database")
	flag.DurationVar(&l.window, "for", time.Second, "how long")
	flag.StringVar(&l.from, "from", "10.0.0.0/16", "the prefix to take from, which is in the database")
	flag.IntVar(&l.bits, "bits", 32, "32 takes addresses, less takes prefixes")
	flag.Parse()
	if err := l.run(context.Background(), os.Getenv("GOIPAM_DSN")); err != nil {
		fmt.Fprintln(os.Stderr, "goipam:", err)
		os.Exit(1)
	}
}

type load struct {
	callers, conns, bits int
	window               time.Duration
	from                 string

	mu     sync.Mutex
	took   []float64 // milliseconds, of those that were answered
	failed int
	asked  map[int]time.Time // by caller, while it waits
	got    map[string]int
}

func (l *load) run(ctx context.Context, dsn string) error {
	u, err := url.Parse(dsn)
	if err != nil {
		return fmt.Errorf("read GOIPAM_DSN: it is not a URL") // its text holds a password
	}
	password, _ := u.User.Password()
	storage, err := ipam.NewPostgresStorage(u.Hostname(), u.Port(), u.User.Username(), password, u.Path[1:], ipam.SSLModeDisable)
	if err != nil {
		return fmt.Errorf("open go-ipam's storage: %w", err)
	}
	l.got, l.asked = map[string]int{}, map[int]time.Time{}
	began := time.Now()
	l.crowd(ctx, ipam.NewWithStorage(storage), began)
	return l.print(time.Since(began))
}

// crowd stops waiting at twice the window: go-ipam pauses between its tries, for
// up to a minute, and hears nobody then.
func (l *load) crowd(ctx context.Context, from ipam.Ipamer, began time.Time) {
	ctx, cancel := context.WithDeadline(ctx, began.Add(2*l.window))
	defer cancel()
	places := make(chan struct{}, l.conns)
	var side sync.WaitGroup
	for i := range l.callers {
		side.Go(func() {
			for time.Since(began) < l.window {
				l.begin(i)
				places <- struct{}{}
				got, err := l.take(ctx, from)
				<-places
				l.end(i, got, err)
			}
		})
	}
	over := make(chan struct{})
	go func() { side.Wait(); close(over) }()
	select {
	case <-over:
	case <-ctx.Done():
	}
}

func (l *load) take(ctx context.Context, from ipam.Ipamer) (string, error) {
	if l.bits == 32 {
		ip, err := from.AcquireIP(ctx, l.from)
		if err != nil {
			return "", err
		}
		return ip.IP.String(), nil
	}
	child, err := from.AcquireChildPrefix(ctx, l.from, uint8(l.bits))
	if err != nil {
		return "", err
	}
	return child.Cidr, nil
}

func (l *load) begin(i int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked[i] = time.Now()
}

func (l *load) end(i int, got string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.took = append(l.took, milliseconds(l.asked[i]))
	delete(l.asked, i)
	if err != nil { // ten optimistic tries in vain, or no time left
		l.failed++
		return
	}
	l.got[got]++
}

func milliseconds(since time.Time) float64 { return float64(time.Since(since).Microseconds()) / 1000 }

func (l *load) print(elapsed time.Duration) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, at := range l.asked { // who still waits has waited that long at least
		l.took = append(l.took, milliseconds(at))
		l.failed++
	}
	if len(l.took) == 0 {
		return nil // -for 0s only makes the tables
	}
	slices.Sort(l.took)
	doubles := 0
	for _, n := range l.got {
		doubles += n - 1
	}
	return json.NewEncoder(os.Stdout).Encode(map[string]any{
		"per_s":  float64(len(l.took)-l.failed) / elapsed.Seconds(),
		"p99_ms": l.took[len(l.took)*99/100], "failed": l.failed, "doubles": doubles,
	})
}
