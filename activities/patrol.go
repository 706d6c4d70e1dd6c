package activities

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"go.temporal.io/sdk/activity"

	"millwright/internal/metal"
)

// Patrol reads the machines of a site, again and again, through their BMCs.
type Patrol struct {
	Store PatrolStore
	BMC   Reader
	Judge Judge
	// AtOnce bounds conversations at a time; 64 if zero. Each is with another BMC.
	AtOnce int
}

// PatrolStore keeps what is read, and what is made of it.
type PatrolStore interface {
	DueReadings(ctx context.Context, site metal.SiteID, olderThan time.Duration) ([]metal.DueReading, error)
	ReadingStore
}

// ReadingStore keeps one machine's reading.
type ReadingStore interface {
	LogMark(ctx context.Context, machine metal.MachineID) (string, error)
	KeepReading(ctx context.Context, r metal.Reading) error
	// NoReading counts visits without an answer, in a row.
	NoReading(ctx context.Context, machine metal.MachineID, why string) (failed int, err error)
	RecordFindings(ctx context.Context, found metal.Found) (metal.Verdict, error)
}

// Reader is a management controller to a patrol.
type Reader interface {
	Read(ctx context.Context, bmc metal.BMC, mark string) (metal.Reading, error)
}

const (
	patrolAtOnce = 64
	silentAfter  = 3                // visits without an answer: the BMC may be restarting after the first
	visitLimit   = 90 * time.Second // the slowest BMCs take some 30 s for all of their sensors
)

// PatrolSiteInput says which site, and in which time.
type PatrolSiteInput struct {
	Site      metal.SiteID
	OlderThan time.Duration // machines that were read within it are left out
	Spread    time.Duration // visits begin at random moments within it: no burst on the management network
}

// PatrolSiteResult counts the visits.
type PatrolSiteResult struct {
	Visited int
	Silent  int `json:",omitempty"` // without an answer
}

// PatrolSite visits each BMC of the site that is due, and keeps what it says. A
// BMC that does not answer is no failure of the patrol: it is an issue of its
// machine. A repeat goes on where the last attempt ended.
func (p *Patrol) PatrolSite(ctx context.Context, in PatrolSiteInput) (PatrolSiteResult, error) {
	defer beat(ctx)()
	due, err := p.Store.DueReadings(ctx, in.Site, in.OlderThan)
	if err != nil {
		return PatrolSiteResult{}, classify(err)
	}
	var silent, visited atomic.Int64
	var failed error
	var once sync.Once
	round, stop := context.WithCancel(ctx)
	defer stop()
	p.each(round, due, in.Spread, func(d metal.DueReading) {
		heard, err := p.visit(round, d)
		if err != nil { // the database is away: the attempt after this one goes on
			once.Do(func() { failed = err; stop() })
			return
		}
		visited.Add(1)
		if !heard {
			silent.Add(1)
		}
	})
	if failed == nil {
		failed = ctx.Err()
	}
	return PatrolSiteResult{Visited: int(visited.Load()), Silent: int(silent.Load())}, classify(failed)
}

// each begins visits at random moments within the time given, a bounded number
// at once, and returns when all are over.
func (p *Patrol) each(ctx context.Context, due []metal.DueReading, spread time.Duration, visit func(metal.DueReading)) {
	begins := make([]time.Duration, len(due))
	if spread > 0 {
		for i := range begins {
			begins[i] = rand.N(spread)
		}
		slices.Sort(begins)
	}
	start, seats := time.Now(), make(chan struct{}, cmp.Or(p.AtOnce, patrolAtOnce))
	var all sync.WaitGroup
	defer all.Wait()
	for i, d := range due {
		select {
		case <-time.After(time.Until(start.Add(begins[i]))):
		case <-ctx.Done():
			return
		}
		select {
		case seats <- struct{}{}:
		case <-ctx.Done():
			return
		}
		all.Go(func() {
			defer func() { <-seats }()
			visit(d)
		})
	}
}

// visit reads one machine. An error is the database's or the caller's end; false
// is a BMC that did not answer.
func (p *Patrol) visit(ctx context.Context, d metal.DueReading) (heard bool, err error) {
	limited, cancel := context.WithTimeout(ctx, visitLimit)
	defer cancel()
	r, err := p.BMC.Read(limited, d.BMC, d.LogMark)
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	if err != nil {
		activity.GetLogger(ctx).Warn("a BMC did not answer the patrol", "machine", d.BMC.Machine, "error", err)
		return false, unheard(ctx, p.Store, d.BMC.Machine, err)
	}
	return true, keep(ctx, p.Store, p.Judge, r, d.Baseline)
}

// keep records what is the matter before it keeps the reading, whose mark says
// how far the log was read: cut off in between, a repeat reads the entries again.
func keep(ctx context.Context, store ReadingStore, judge Judge, r metal.Reading, baseline map[string]string) error {
	health, firmware := apart(judge.Reading(r, baseline))
	if _, err := store.RecordFindings(ctx, metal.Found{Machine: r.Machine, Look: metal.LookPatrol, Findings: health, Keep: lasting}); err != nil {
		return err
	}
	if len(firmware) > 0 {
		if _, err := store.RecordFindings(ctx, metal.Found{Machine: r.Machine, Look: metal.LookBMC, Findings: firmware, Partial: true}); err != nil {
			return err
		}
	}
	return store.KeepReading(ctx, r)
}

// lasting is what a BMC says once, in its log: that it is not said again is no
// cure.
var lasting = []metal.IssueKind{metal.MemoryErrors}

// unheard makes an issue of a BMC that stays silent, and at once of one that
// refuses us or is not the one that we know.
func unheard(ctx context.Context, store ReadingStore, machine metal.MachineID, cause error) error {
	failed, err := store.NoReading(ctx, machine, cause.Error())
	if err != nil {
		return err
	}
	finding := metal.Finding{Kind: metal.BMCSilent, Severity: metal.Failing, Detail: cause.Error()}
	switch {
	case errors.Is(cause, metal.ErrBadCredentials):
		finding.Kind = metal.BMCRefuses
	case errors.Is(cause, metal.ErrFingerprint):
		finding.Kind = metal.BMCIdentity
	case failed < silentAfter:
		return nil
	}
	_, err = store.RecordFindings(ctx, metal.Found{Machine: machine, Look: metal.LookPatrol, Findings: []metal.Finding{finding}, Partial: true})
	return err
}

// apart separates what is the matter with the machine from what is only another
// firmware than the plan's.
func apart(findings []metal.Finding) (health, firmware []metal.Finding) {
	for _, f := range findings {
		if f.Kind == metal.WrongFirmware {
			firmware = append(firmware, f)
		} else {
			health = append(health, f)
		}
	}
	return health, firmware
}

// read asks a BMC for everything since it was last read.
func read(ctx context.Context, store ReadingStore, bmc Reader, b metal.BMC) (metal.Reading, error) {
	mark, err := store.LogMark(ctx, b.Machine)
	if err != nil {
		return metal.Reading{}, err
	}
	return bmc.Read(ctx, b, mark)
}
