package bmc

import (
	"context"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"

	"millwright/internal/metal"
)

// taskPaths are those of tasks, without what follows: OpenBMC's monitors are
// below them.
var taskPaths = regexp.MustCompile(`^/redfish/v1/TaskService/(?:Tasks|TaskMonitors)/[A-Za-z0-9._-]+`)

// taskOf is the task that an answer speaks of; empty if the work is done. Where
// the header has no address of it the body is the task, or has it among the
// arguments of a message, as Supermicro's does.
func taskOf(answer exchange) string {
	var body struct {
		reference
		Accepted, Error struct {
			Extended []struct {
				Arguments []word `json:"MessageArgs"`
			} `json:"@Message.ExtendedInfo"`
		}
	}
	_ = json.Unmarshal(answer.body, &body) // an answer without a body has none
	candidates := []string{at(answer.location), body.ID}
	for _, info := range append(body.Accepted.Extended, body.Error.Extended...) {
		for _, argument := range info.Arguments {
			candidates = append(candidates, string(argument))
		}
	}
	for _, path := range candidates {
		if task := taskPaths.FindString(path); task != "" {
			return task
		}
	}
	return at(answer.location)
}

// task is how far something is (DSP2046, Task).
type task struct {
	Path     string `json:"@odata.id"`
	Name     word
	State    word   `json:"TaskState"`
	Status   word   `json:"TaskStatus"`
	Percent  figure `json:"PercentComplete"`
	Messages []struct {
		ID word `json:"MessageId"`
	}
}

// active is whether it is not over.
func (t task) active() bool {
	return progressOf(t).State == metal.UpdateRunning || t.State == "Pending"
}

// underWay is an update that the BMC is at. Tasks go by many names; those of
// updates have the word in it.
func (v *visit) underWay(ctx context.Context) (string, error) {
	if v.root.Tasks.ID == "" {
		return "", nil
	}
	var service struct{ Tasks reference }
	if err := v.get(ctx, v.root.Tasks.ID, &service); err != nil || service.Tasks.ID == "" {
		return "", onlyIf(!v.answered(), err)
	}
	list, err := members[task](ctx, v, service.Tasks.ID, 1)
	for _, t := range list {
		name := strings.ToLower(string(t.Name))
		if t.active() && (strings.Contains(name, "update") || strings.Contains(name, "firmware")) {
			return t.Path, nil
		}
	}
	return "", onlyIf(!v.answered(), err)
}

func (s *redfishSession) updateProgress(ctx context.Context, path string) (metal.UpdateProgress, error) {
	if path == "" {
		return metal.UpdateProgress{State: metal.UpdateDone}, nil
	}
	answer, err := s.send(ctx, ask{method: http.MethodGet, path: path})
	if err != nil && answer.status == http.StatusNotFound {
		return metal.UpdateProgress{State: metal.UpdateDone, Detail: "the BMC knows the task no more"}, nil
	}
	if err != nil {
		return metal.UpdateProgress{}, err
	}
	var t task
	_ = json.Unmarshal(answer.body, &t) // a monitor may answer with nothing
	if t.State == "" && answer.status == http.StatusAccepted {
		t.State = "Running"
	}
	return progressOf(t), nil
}

// progressOf reads a task. States that are no standard's are bmclib's knowledge
// of vendors: "Scheduled" is an iDRAC that waits for a restart.
func progressOf(t task) metal.UpdateProgress {
	p := metal.UpdateProgress{State: metal.UpdateRunning}
	switch strings.ToLower(string(t.State)) {
	case "completed", "":
		p.State = metal.UpdateDone
		if t.Status == "Critical" {
			p.State = metal.UpdateFailed
		}
	case "pending", "scheduled":
		p.State = metal.UpdateWaits
	case "exception", "killed", "cancelled", "interrupted", "suspended", "failed", "completedwitherrors":
		p.State = metal.UpdateFailed
	}
	if t.Percent.value != nil {
		p.Percent = int(max(0, min(100, *t.Percent.value)))
	}
	var names []string
	for _, m := range t.Messages {
		if messageIDs.MatchString(string(m.ID)) && len(names) < 5 {
			names = append(names, string(m.ID))
		}
	}
	p.Detail = strings.Join(names, ", ")
	return p
}
