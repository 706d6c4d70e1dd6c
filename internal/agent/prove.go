package agent

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"millwright/internal/metal"
)

// stepNeighbours has no deadline of its own: what is waited for is the word of
// them reaching the boot service, and an agent is patient with that.
const stepNeighbours = "neighbours"

// prove hears the neighbours first: what the report makes people look at must
// be there by then, and a network under load loses what switches say. A test
// that fails is what was to be found out, and no failure of the job.
func (a *agent) prove(ctx context.Context, want *metal.BurnIn) (Report, error) {
	report := Report{Kind: metal.Proven}
	a.steps.tell(Step{Step: stepNeighbours})
	select {
	case <-a.heard:
	case <-ctx.Done():
		return report, fmt.Errorf("%s: %w", stepNeighbours, ctx.Err())
	}
	if want == nil || *want == (metal.BurnIn{}) {
		report.Detail = "nothing was to be tested under load"
		return report, nil
	}
	if a.BurnIn == nil {
		return report, errors.New("this system cannot test its machine under load: its agent has no burn-in")
	}
	k := stepBurnIn
	k.fixed += want.Longest() * 5 / 4
	var err error
	report.BurnIn, err = step(ctx, a, k, 0, func(ctx context.Context, tell Tell) ([]metal.BurnInResult, error) {
		return a.BurnIn(ctx, *want, tell)
	})
	report.Detail = verdict(report.BurnIn)
	return report, err
}

// verdict names the tests that failed; their reasons stand in the results.
func verdict(results []metal.BurnInResult) string {
	var failed []string
	for _, r := range results {
		if !r.Passed {
			failed = append(failed, strings.TrimSpace(r.Test+" "+r.Part))
		}
	}
	if len(failed) > 0 {
		return fmt.Sprintf("%d of %d tests under load failed: %s", len(failed), len(results), strings.Join(failed, ", "))
	}
	return fmt.Sprintf("%d tests under load passed", len(results))
}
