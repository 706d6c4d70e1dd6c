package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"millwright/internal/metal"
)

// courier brings what machines say to their runs: recorded first, signalled
// second, and sent again until the run has heard it or is over.
type courier struct {
	site      metal.SiteID
	store     Reports
	signaller Signaller
	metrics   *metrics
	log       *slog.Logger

	mu       sync.Mutex
	underway map[int64]bool // reports that are being signalled at this moment
}

func newCourier(site metal.SiteID, store Reports, signaller Signaller, m *metrics, log *slog.Logger) *courier {
	return &courier{site: site, store: store, signaller: signaller, metrics: m, log: log, underway: map[int64]bool{}}
}

// What became of a report, as the metric names it.
const (
	outcomeSignalled = "signalled"
	outcomeRecorded  = "recorded" // its run hears of it later
	outcomeOver      = "run-over"
	outcomeStale     = "stale"
	outcomeLost      = "unrecorded" // the machine was told to say it again
)

const (
	recordLimit = 5 * time.Second
	signalLimit = 2 * time.Second // a machine waits meanwhile, and the resend loop is patient
)

// take records a report and signals it. It returns an error if the machine has
// to know: the report is not of its boot, could not be recorded, or its run is
// over. A run that cannot be reached is not the machine's concern.
func (c *courier) take(ctx context.Context, said metal.Said) error {
	r := said.Report
	recordCtx, cancel := context.WithTimeout(ctx, recordLimit)
	defer cancel()
	row, err := c.store.Record(recordCtx, said)
	if err != nil {
		outcome := outcomeLost
		if errors.Is(err, metal.ErrStaleClaim) {
			outcome = outcomeStale
		}
		c.count(r.Kind, outcome)
		return fmt.Errorf("record %s of machine %s, boot %d: %w", r.Kind, r.Machine, r.Boot, err)
	}
	// A machine that hangs up must not take its recorded word with it.
	err = c.deliver(context.WithoutCancel(ctx), row)
	if err != nil && !errors.Is(err, metal.ErrRunOver) {
		c.count(r.Kind, outcomeRecorded)
		c.log.Warn("report recorded, its run hears of it later", "run", row.Run, "machine", r.Machine, "boot", r.Boot, "kind", r.Kind, "error", err)
		return nil
	}
	return err
}

// deliver signals one recorded report, and notes that it is done: heard, or
// past hearing.
func (c *courier) deliver(ctx context.Context, row metal.RecordedReport) error {
	if !c.begin(row.ID) {
		return nil // the resend loop and the machine's own request met
	}
	defer c.end(row.ID)
	signalCtx, cancel := context.WithTimeout(ctx, signalLimit)
	defer cancel()
	err := c.signaller.Signal(signalCtx, row.Run, row.Report)
	over := errors.Is(err, metal.ErrRunOver)
	if err != nil && !over {
		return fmt.Errorf("signal %s: %w", row.Run, err)
	}
	outcome := outcomeSignalled
	if over {
		outcome = outcomeOver
	}
	c.count(row.Report.Kind, outcome)
	noteCtx, cancelNote := context.WithTimeout(ctx, recordLimit)
	defer cancelNote()
	if noted := c.store.Signalled(noteCtx, row.ID); noted != nil {
		c.log.Warn("a report will be signalled twice", "run", row.Run, "report", row.ID, "error", noted)
	}
	return err
}

func (c *courier) begin(id int64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.underway[id] {
		return false
	}
	c.underway[id] = true
	return true
}

func (c *courier) end(id int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.underway, id)
}

func (c *courier) count(k metal.ReportKind, outcome string) {
	c.metrics.reports.WithLabelValues(string(k), outcome).Inc()
}

// maxBackoff is how long Temporal may be back before the reports are: short
// beside any deadline of a run.
const maxBackoff = 30 * time.Second

// run sends again what is left, until ctx ends. While nothing gets through it
// asks less and less often.
func (c *courier) run(ctx context.Context, interval time.Duration) {
	pause := interval
	for ctx.Err() == nil {
		sleep(ctx, pause)
		if err := c.resend(ctx); err != nil && ctx.Err() == nil {
			pause = min(pause*2, max(interval, maxBackoff))
			c.log.Warn("reports wait for their runs", "site", c.site, "error", err)
			continue
		}
		pause = interval
	}
}

// giveUp is how many reports in a row may fail before a round ends: enough to
// pass by one that never gets through, few enough not to hammer a Temporal that
// is away. The order is chance, so that no report blocks another for good.
const giveUp = 3

func (c *courier) resend(ctx context.Context) error {
	listCtx, cancel := context.WithTimeout(ctx, recordLimit)
	defer cancel()
	rows, err := c.store.Unsignalled(listCtx, c.site)
	if err != nil {
		return fmt.Errorf("list reports of %s: %w", c.site, err)
	}
	rand.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
	through, err := c.deliverAll(ctx, rows)
	c.metrics.unsignalled.Set(float64(len(rows) - through))
	if through > 0 {
		return nil // Temporal is there; what is left is only unlucky
	}
	return err
}

func (c *courier) deliverAll(ctx context.Context, rows []metal.RecordedReport) (through int, last error) {
	failed := 0
	for _, row := range rows {
		err := c.deliver(ctx, row)
		if err == nil || errors.Is(err, metal.ErrRunOver) {
			through, failed = through+1, 0
			continue
		}
		last = err
		if failed++; failed == giveUp {
			break
		}
	}
	return through, last
}
