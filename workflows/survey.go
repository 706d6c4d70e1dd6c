package workflows

import (
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"millwright/activities"
	"millwright/internal/metal"
)

// SurveyInput names a site.
type SurveyInput struct {
	Site metal.SiteID `json:"site"`
}

// SurveyResult counts what a survey came to.
type SurveyResult struct {
	Agreed int `json:"agreed"`          // machines that are as the records say
	Called int `json:"called"`          // what is not, for a person to look at
	Doubt  int `json:"doubt,omitempty"` // what did not answer, or cannot be told yet
}

// Survey holds a site against records that were restored from a backup: what its
// switches carry and whether its machines are on. What agrees goes on, as if
// nothing had been; the rest is taken aside, held and called out. One look is one
// run: while anything is in doubt, reconcile starts the next.
func Survey(ctx workflow.Context, in SurveyInput) (result SurveyResult, err error) {
	r, err := newRun(ctx)
	if err != nil {
		return result, err
	}
	defer func() { r.finish(ctx, err) }()
	if err := r.enter(ctx, StepSurvey, string(in.Site), SiteAttr.ValueSet(string(in.Site))); err != nil {
		return result, err
	}
	if _, err := call(ctx, r, surveying, SiteQueue(in.Site), "look at the switches and BMCs of "+string(in.Site),
		survey.SurveySite, activities.SurveySiteInput{Site: in.Site}); err != nil {
		return result, err
	}
	judged, err := call(ctx, r, reading, ControlQueue, "hold "+string(in.Site)+" against the records",
		doubts.JudgeSite, activities.JudgeSiteInput{Site: in.Site})
	s := judged.Surveyed
	return SurveyResult{Agreed: s.Agreed, Called: s.Called, Doubt: s.Doubt}, err
}

// surveyDoubted starts a survey of each site that has something in doubt after a
// restore.
func surveyDoubted(ctx workflow.Context, sites []metal.SiteID) (started int, err error) {
	for _, site := range sites {
		child := ending(childOf(ctx, SurveyRun(site), "the database was restored", temporal.NewSearchAttributes(SiteAttr.ValueSet(string(site)))))
		if fresh, err := begun(ctx, workflow.ExecuteChildWorkflow(child, Survey, SurveyInput{Site: site})); err != nil {
			return started, err
		} else if fresh {
			started++
		}
	}
	return started, nil
}
