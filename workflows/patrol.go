package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"millwright/activities"
	"millwright/internal/metal"
)

// PatrolInput says which site is visited, and how hastily.
type PatrolInput struct {
	Site metal.SiteID `json:"site"`
	// OlderThan leaves out machines that were read within it; 5 minutes where it
	// is zero. In nanoseconds.
	OlderThan time.Duration `json:"older_than,omitempty"`
	// Spread is the time over which visits begin. Zero visits at once.
	Spread time.Duration `json:"spread,omitempty"`
}

// PatrolResult counts the visits.
type PatrolResult struct {
	Visited int `json:"visited"`
	Silent  int `json:"silent"` // BMCs without an answer
}

const (
	patrolOlder  = 5 * time.Minute
	patrolSpread = 4 * time.Minute // a round is over before the next one begins
)

// Patrols starts a round through each site. A schedule starts it; a site whose
// last round is still open is left out.
func Patrols(ctx workflow.Context) (started int, err error) {
	r, err := newRun(ctx)
	if err != nil {
		return 0, err
	}
	defer func() { r.finish(ctx, err) }()
	all, err := call(ctx, r, reading, ControlQueue, "list sites", lost.ListSites, activities.ListSitesInput{})
	if err != nil {
		return 0, err
	}
	for _, site := range all.Sites {
		child := ending(childOf(ctx, PatrolRun(site), "read the machines of "+string(site), temporal.NewSearchAttributes(SiteAttr.ValueSet(string(site)))))
		in := PatrolInput{Site: site, OlderThan: patrolOlder, Spread: patrolSpread}
		if fresh, err := begun(ctx, workflow.ExecuteChildWorkflow(child, Patrol, in)); err != nil {
			return started, err
		} else if fresh {
			started++
		}
	}
	return started, nil
}

// Patrol visits every machine of a site through its BMC.
func Patrol(ctx workflow.Context, in PatrolInput) (result PatrolResult, err error) {
	r, err := newRun(ctx)
	if err != nil {
		return result, err
	}
	defer func() { r.finish(ctx, err) }()
	if err := r.enter(ctx, StepPatrol, string(in.Site)); err != nil {
		return result, err
	}
	if in.OlderThan == 0 {
		in.OlderThan = patrolOlder
	}
	round, err := call(ctx, r, patrolling, SiteQueue(in.Site), "read the machines of "+string(in.Site),
		patrol.PatrolSite, activities.PatrolSiteInput{Site: in.Site, OlderThan: in.OlderThan, Spread: in.Spread})
	return PatrolResult{Visited: round.Visited, Silent: round.Silent}, err
}
