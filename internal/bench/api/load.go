package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"
)

// load is what is asked, and how often.
type load struct {
	name   string
	rate   int // a second
	window time.Duration
	code   uint16
	most   time.Duration
	next   func(i int) vegeta.Target
	warm   func(i int) vegeta.Target // asked for a moment before: connections, plans, caches
}

const (
	readsPerSecond   = 200
	createsPerSecond = 20
)

// mix walks through all of n without going along them: a stride that n does not
// divide by.
func mix(i, n int) int { return i * 7919 % n }

func (b *bench) target(method, path string, project int, body []byte) vegeta.Target {
	return vegeta.Target{Method: method, URL: b.api + path, Body: body, Header: http.Header{
		"X-Auth-Token": {b.keys[project]}, "Content-Type": {"application/json"},
	}}
}

func (b *bench) lists() load {
	next := func(i int) vegeta.Target {
		p := mix(i, len(b.projectIDs))
		return b.target(http.MethodGet, "/projects/"+b.projectIDs[p]+"/devices", p, nil)
	}
	return load{"list a project's devices", readsPerSecond, b.window, http.StatusOK, mostRead, next, next}
}

func (b *bench) looks() load {
	next := func(i int) vegeta.Target {
		d := mix(i, len(b.deviceIDs))
		return b.target(http.MethodGet, "/devices/"+b.deviceIDs[d], d%len(b.projectIDs), nil)
	}
	return load{"get one device", readsPerSecond, b.window, http.StatusOK, mostRead, next, next}
}

func (b *bench) creates() load {
	body, _ := json.Marshal(map[string]string{"plan": plan, "operating_system": system, "metro": metro, "hostname": "bench"}) // strings
	return load{"create a device", createsPerSecond, b.window / 2, http.StatusCreated, mostCreate, func(i int) vegeta.Target {
		p := mix(i, len(b.projectIDs))
		return b.target(http.MethodPost, "/projects/"+b.projectIDs[p]+"/devices", p, body)
	}, b.lists().next}
}

// sample is how one load went.
type sample struct {
	p50, p95, p99 time.Duration
	asked, errors int
	first         string // error
	body          []byte // of one answer
}

const warmFor = 2 * time.Second

// measure prints how a load went, and how the same load goes where nothing is
// done for it.
func (b *bench) measure(ctx context.Context, l load) (sample, error) {
	got, err := asked(ctx, l)
	if err != nil {
		return got, err
	}
	floor, err := asked(ctx, floorOf(l, got.body))
	if err != nil {
		return got, err
	}
	verdict := "within"
	if got.p99 > l.most {
		verdict = "ABOVE"
	}
	fmt.Printf("%-24s %3d/s: p50 %6.2f  p95 %6.2f  p99 %7.2f ms, %s %s; %d asked, %d errors%s\n",
		l.name, l.rate, milliseconds(got.p50), milliseconds(got.p95), milliseconds(got.p99), verdict, l.most, got.asked, got.errors, got.first)
	fmt.Printf("%-24s %3d/s: p50 %6.2f  p95 %6.2f  p99 %7.2f ms; p99 is %.1f of it\n",
		"  a handler of nothing", l.rate, milliseconds(floor.p50), milliseconds(floor.p95), milliseconds(floor.p99), float64(got.p99)/float64(floor.p99))
	return got, nil
}

// floorOf is the same load for a server that reads and answers as much, and does
// nothing else.
func floorOf(l load, body []byte) load {
	server := sync.OnceValue(func() string {
		return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(int(l.code))
			_, _ = w.Write(body)
		})).URL // until the bench ends
	})()
	floor := l
	floor.window = min(l.window, 5*time.Second)
	floor.next = func(i int) vegeta.Target {
		t := l.next(i)
		_, path, _ := strings.Cut(strings.TrimPrefix(t.URL, "http://"), "/")
		t.URL = server + "/" + path
		return t
	}
	floor.warm = floor.next
	return floor
}

// asked sends a load, and takes each answer's time from when its question was
// due: a server that is slow once makes all those late that come behind.
func asked(ctx context.Context, l load) (sample, error) {
	var s sample
	if _, err := send(ctx, l, l.warm, min(warmFor, l.window)); err != nil {
		return s, err
	}
	results, err := send(ctx, l, l.next, l.window)
	if err != nil {
		return s, err
	}
	took := latencies(results, time.Second/time.Duration(l.rate))
	slices.Sort(took)
	at := func(share float64) time.Duration { return took[min(len(took)-1, int(share*float64(len(took))))] }
	s.p50, s.p95, s.p99, s.asked = at(0.50), at(0.95), at(0.99), len(took)
	for _, r := range results {
		switch {
		case r.Error == "" && r.Code == l.code:
			s.body = r.Body
		default:
			if s.errors == 0 {
				s.first = fmt.Sprintf("; the first: %d %s %.300s", r.Code, r.Error, r.Body)
			}
			s.errors++
		}
	}
	return s, nil
}

func send(ctx context.Context, l load, next func(int) vegeta.Target, window time.Duration) ([]*vegeta.Result, error) {
	attacker := vegeta.NewAttacker(vegeta.Timeout(30*time.Second), vegeta.KeepAlive(true), vegeta.Connections(1000))
	stop := context.AfterFunc(ctx, func() { attacker.Stop() })
	defer stop()
	var count atomic.Int64
	targets := func(t *vegeta.Target) error {
		*t = next(int(count.Add(1)))
		return nil
	}
	var results []*vegeta.Result
	for r := range attacker.Attack(targets, vegeta.Rate{Freq: l.rate, Per: time.Second}, window, l.name) {
		results = append(results, r)
	}
	if len(results) == 0 {
		return nil, fmt.Errorf("%s: nothing was asked", l.name)
	}
	return results, ctx.Err()
}

// latencies are from the moments at which a fixed rate was due. The one that was
// sent with the least delay says when the load began.
func latencies(results []*vegeta.Result, every time.Duration) []time.Duration {
	due := func(r *vegeta.Result) time.Duration { return time.Duration(r.Seq) * every }
	began := results[0].Timestamp.Add(-due(results[0]))
	for _, r := range results {
		if at := r.Timestamp.Add(-due(r)); at.Before(began) {
			began = at
		}
	}
	took := make([]time.Duration, len(results))
	for i, r := range results {
		took[i] = r.End().Sub(began.Add(due(r)))
	}
	return took
}
