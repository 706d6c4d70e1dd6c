package burnin

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"millwright/internal/metal"
)

// Config is the machine that is tested.
type Config struct {
	Root    string                 // where proc, sys and dev are: "/"
	Scratch string                 // folder for the tools' own files
	Disks   func() ([]Disk, error) // all of them; each is overwritten
	Peer    Peer                   // the other end of the network; nil: there is none
	Log     *slog.Logger
	// Tools puts the programs in their places, before they are needed; nil: they
	// are there.
	Tools func(context.Context) error

	StressNG, FIO string // programs; empty: as PATH has them
}

// Disk is one that is written to and read back.
type Disk struct {
	Path, Serial string
	Size         int64
}

// Tell says how many seconds of all that was planned are over, and what is
// tested now.
type Tell func(done, total int64, text string)

// The tests, as their results name them.
const (
	testCPU     = "cpu"
	testMemory  = "memory"
	testDisk    = "disk"
	testNetwork = "network"
)

// Run makes all tests that have a length. It always returns a result for each,
// and one for every disk and network card; what ctx cuts short did not pass.
func Run(ctx context.Context, cfg Config, want metal.BurnIn, tell Tell) []metal.BurnInResult {
	b := &bench{Config: cfg.orDefault()}
	ready := b.tools(ctx)
	var all []metal.BurnInResult
	var over time.Duration
	for _, test := range []struct {
		name   string
		length time.Duration
		do     func(context.Context, time.Duration) []metal.BurnInResult
	}{
		{testCPU, want.CPU, b.cpu},
		{testMemory, want.Memory, b.memory},
		{testDisk, want.Disks, b.disks},
		{testNetwork, want.Network, b.network},
	} {
		if test.length <= 0 {
			continue
		}
		stop := count(over, want.Longest(), test.name, tell)
		results := []metal.BurnInResult{failed(metal.BurnInResult{Test: test.name}, fmt.Sprint(ready))}
		if ready == nil || test.name == testNetwork { // which needs no program
			results = test.do(ctx, test.length)
		}
		stop()
		over += test.length
		b.log(results)
		all = append(all, results...)
	}
	return all
}

type bench struct{ Config }

func (c Config) orDefault() Config {
	if c.StressNG == "" {
		c.StressNG = "stress-ng"
	}
	if c.FIO == "" {
		c.FIO = "fio"
	}
	return c
}

func (b *bench) tools(ctx context.Context) error {
	if b.Tools == nil {
		return nil
	}
	return b.Tools(ctx)
}

// count tells each second how far it is, until it is stopped.
func count(over, all time.Duration, name string, tell Tell) (stop func()) {
	began, end, ended := time.Now(), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		ticker := time.NewTicker(time.Second)
		defer ticker.Stop()
		for {
			done := min(over+time.Since(began), all)
			tell(int64(done/time.Second), int64(all/time.Second), name)
			select {
			case <-ticker.C:
			case <-end:
				return
			}
		}
	}()
	return func() { close(end); <-ended }
}

func (b *bench) log(results []metal.BurnInResult) {
	for _, r := range results {
		b.Log.Info("tested under load", "test", r.Test, "part", r.Part, "passed", r.Passed, "seconds", int(r.Seconds), "detail", r.Detail, "figures", r.Figures)
	}
}

// failed is a test that did not pass. What was measured until then stays.
func failed(r metal.BurnInResult, why string) metal.BurnInResult {
	r.Passed = false
	if r.Detail != "" {
		why = r.Detail + "; " + why
	}
	r.Detail = clip(why)
	return r
}

// clip keeps a detail within its 500 bytes, on one line, and whole letters in it.
func clip(s string) string {
	const limit = 500
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > limit {
		s = s[:limit]
	}
	return strings.ToValidUTF8(s, "")
}
