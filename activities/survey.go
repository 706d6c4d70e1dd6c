package activities

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"

	"go.temporal.io/sdk/activity"

	"millwright/internal/metal"
)

// Survey looks at a site after the database was restored: what its switches
// carry, and which machines are on. It changes nothing there.
type Survey struct {
	Store    SurveyStore
	Switches CarriedReader
	BMC      PowerReader
	AtOnce   int // bounds conversations at a time; 64 if zero. Each is with another switch or BMC
}

// SurveyStore knows what is in doubt, and keeps what was seen of it.
type SurveyStore interface {
	Doubt(ctx context.Context, site metal.SiteID) (metal.Doubt, error)
	KeepCarried(ctx context.Context, id metal.SwitchID, ports []metal.Carried) error
	NoteDark(ctx context.Context, id metal.SwitchID, problem string) error
	KeepFoundPower(ctx context.Context, f metal.FoundPower) error
}

// CarriedReader reads what a switch's ports carry, whatever anybody intends.
type CarriedReader interface {
	Carried(ctx context.Context, sw metal.Switch) ([]metal.Carried, error)
}

// PowerReader asks a BMC whether its machine is on.
type PowerReader interface {
	Power(ctx context.Context, bmc metal.BMC) (metal.Power, error)
}

const (
	surveyAtOnce = 64
	readLimit    = 2 * time.Minute  // a large switch's configuration takes some ten seconds
	askLimit     = 45 * time.Second // the slowest BMCs need some twenty for a login and a question
)

// SurveySiteInput names the site.
type SurveySiteInput struct {
	Site metal.SiteID
}

// SurveySiteResult counts what was in doubt and did not answer.
type SurveySiteResult struct {
	Switches int // that were to be read
	Dark     int `json:",omitempty"` // of them
	Machines int // that were to be asked
	Silent   int `json:",omitempty"` // of them
}

// SurveySite reads every switch of the site that is in doubt, and asks every BMC
// whose machine is. One that does not answer keeps no other from being looked
// at, and its machine in doubt. A repeat looks again.
func (s *Survey) SurveySite(ctx context.Context, in SurveySiteInput) (SurveySiteResult, error) {
	defer beat(ctx)()
	doubt, err := s.Store.Doubt(ctx, in.Site)
	if err != nil {
		return SurveySiteResult{}, classify(err)
	}
	c := &counting{result: SurveySiteResult{Switches: len(doubt.Switches), Machines: len(doubt.Machines)}}
	seats := make(chan struct{}, cmp.Or(s.AtOnce, surveyAtOnce))
	var all sync.WaitGroup
	for _, sw := range doubt.Switches {
		all.Go(func() {
			c.add(&c.result.Dark, inSeat(ctx, seats, func() (bool, error) { return s.readSwitch(ctx, sw) }))
		})
	}
	for _, m := range doubt.Machines {
		all.Go(func() { c.add(&c.result.Silent, inSeat(ctx, seats, func() (bool, error) { return s.ask(ctx, m) })) })
	}
	all.Wait()
	return c.result, classify(errors.Join(c.failed, ctx.Err()))
}

// outcome is one look: whether there was an answer, or what kept it from being
// written down.
type outcome struct {
	heard bool
	err   error
}

// counting gathers outcomes. One failure to write is enough to begin anew.
type counting struct {
	mu     sync.Mutex
	result SurveySiteResult
	failed error
}

func (c *counting) add(silent *int, o outcome) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if o.err != nil {
		c.failed = o.err
	} else if !o.heard {
		*silent++
	}
}

func inSeat(ctx context.Context, seats chan struct{}, look func() (bool, error)) outcome {
	select {
	case seats <- struct{}{}:
		defer func() { <-seats }()
	case <-ctx.Done():
		return outcome{err: ctx.Err()}
	}
	heard, err := look()
	return outcome{heard: heard, err: err}
}

func (s *Survey) readSwitch(ctx context.Context, sw metal.Switch) (bool, error) {
	limited, cancel := context.WithTimeout(ctx, readLimit)
	defer cancel()
	ports, err := s.Switches.Carried(limited, sw)
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	if err != nil {
		activity.GetLogger(ctx).Warn("a switch did not answer the survey", "switch", sw.ID, "error", err)
		return false, s.Store.NoteDark(ctx, sw.ID, err.Error())
	}
	return true, s.Store.KeepCarried(ctx, sw.ID, ports)
}

// ask tries the password that was being set, too, where the one on record is
// refused: the backup may be of that moment.
func (s *Survey) ask(ctx context.Context, b metal.BMC) (bool, error) {
	limited, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	power, err := s.BMC.Power(limited, b)
	if errors.Is(err, metal.ErrBadCredentials) {
		next := b
		next.Credential = metal.NextBMCCredential(b.Machine)
		if found, opens := s.BMC.Power(limited, next); opens == nil {
			power, err = found, nil
		}
	}
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	f := metal.FoundPower{Machine: b.Machine, Power: power}
	if err != nil {
		activity.GetLogger(ctx).Warn("a BMC did not answer the survey", "machine", b.Machine, "error", err)
		f = metal.FoundPower{Machine: b.Machine, Kind: problemOf(err), Problem: err.Error()}
	}
	return err == nil, s.Store.KeepFoundPower(ctx, f)
}

func problemOf(err error) metal.IssueKind {
	switch {
	case errors.Is(err, metal.ErrBadCredentials):
		return metal.BMCRefuses
	case errors.Is(err, metal.ErrFingerprint):
		return metal.BMCIdentity
	}
	return metal.BMCSilent
}

// Doubts holds what a survey saw against the restored records.
type Doubts struct {
	Store DoubtStore
	// Patience is for how long an agent may be silent; 90 s if zero: it asks every
	// 20 s, and one that missed four times is not counted on.
	Patience time.Duration
}

// DoubtStore judges.
type DoubtStore interface {
	JudgeSite(ctx context.Context, site metal.SiteID, patience time.Duration, looks int) (metal.Surveyed, error)
}

const agentPatience = 90 * time.Second

// JudgeSiteInput names the site.
type JudgeSiteInput struct {
	Site metal.SiteID
}

// JudgeSiteResult counts what the look came to.
type JudgeSiteResult struct {
	Surveyed metal.Surveyed
}

// JudgeSite ends the doubt about what is as the records say, and takes aside,
// holds and calls out what is not. A repeat judges what is left.
func (d *Doubts) JudgeSite(ctx context.Context, in JudgeSiteInput) (JudgeSiteResult, error) {
	surveyed, err := d.Store.JudgeSite(ctx, in.Site, cmp.Or(d.Patience, agentPatience), silentAfter)
	return JudgeSiteResult{Surveyed: surveyed}, classify(err)
}
