package api

import "millwright/internal/metal"

// provisioningEvents are all steps of a device's last provision: those that
// happened with their ID and moment, the others without. Of a step that was
// taken twice, on a second machine, the last one counts.
func provisioningEvents(happened []metal.Event) []metal.EventNotice {
	last := map[string]metal.Event{}
	for _, e := range happened {
		last[e.Type] = e
	}
	steps := metal.ProvisioningSteps()
	for i, step := range steps {
		if e, done := last[step.Type]; done {
			steps[i] = e.Notice(false)
		}
	}
	return steps
}

// provisioningPercentage is how many of the steps have been taken, in percent.
func provisioningPercentage(steps []metal.EventNotice) float64 {
	done := 0
	for _, s := range steps {
		if s.ID != nil {
			done++
		}
	}
	return float64(100 * done / max(1, len(steps)))
}
