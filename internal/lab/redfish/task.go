package redfish

import (
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// task is an update under way. Nothing runs for it: what it has come to is
// worked out when somebody asks.
type task struct {
	id      string
	which   int
	version string
	wrong   string // why it cannot succeed
	waits   bool   // for the machine's next power on
	begun   time.Time
	ends    time.Time
	settled bool // its outcome has taken effect
}

// tasksKept is how many are remembered; the oldest go first.
const tasksKept = 10

// addTask begins an update. It wants the lock.
func (b *BMC) addTask(t *task) *task {
	b.taskIDs++
	t.id, t.begun = strconv.Itoa(b.taskIDs), time.Now()
	t.ends = t.begun.Add(b.hardware.Update)
	if b.hasLocked(UpdateFails) && t.wrong == "" {
		b.strikeLocked(UpdateFails)
		t.wrong = "the image could not be written"
	}
	b.tasks = append(b.tasks, t)
	if extra := len(b.tasks) - tasksKept; extra > 0 {
		b.tasks = slices.Delete(b.tasks, 0, extra)
	}
	return t
}

// beginWaiting lets the tasks begin that waited for this power on.
func (b *BMC) beginWaiting() {
	for _, t := range b.tasks {
		if t.waits {
			t.waits, t.ends = false, time.Now().Add(b.hardware.Update)
		}
	}
}

// settle lets the tasks that have ended take effect. A new firmware of the BMC
// restarts it.
func (b *BMC) settle() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, t := range b.tasks {
		if t.settled || t.waits || time.Now().Before(t.ends) {
			continue
		}
		t.settled = true
		if t.wrong != "" {
			continue
		}
		old := b.firmware[t.which]
		b.firmware[t.which] = version{current: t.version, backup: old.current}
		if t.which == bmcFirmware {
			b.leave(t.ends)
		}
	}
	if b.hasLocked(VanishingTask) {
		b.tasks = slices.DeleteFunc(b.tasks, func(t *task) bool { return t.settled })
	}
}

func taskService(*BMC) object {
	return resource(tasksRootPath, "TaskService.v1_2_0.TaskService", "Task service", object{
		"ServiceEnabled": true, "Tasks": link(tasksPath),
	})
}

func (b *BMC) openTasks() (ids []string) {
	for _, t := range b.tasks {
		ids = append(ids, t.id)
	}
	return ids
}

func (b *BMC) task(id string) *task {
	i := slices.IndexFunc(b.tasks, func(t *task) bool { return t.id == id })
	if i < 0 {
		return nil
	}
	return b.tasks[i]
}

func (b *BMC) taskView(id string) object {
	t := b.task(id)
	if t == nil {
		return nil
	}
	state, health, done, message := "Running", healthOK, b.progress(t), "the image is being written"
	switch {
	case t.waits:
		state, message = "Pending", "the image waits for the next power on"
	case t.settled && t.wrong != "":
		state, health, message = "Exception", healthCritical, t.wrong
	case t.settled:
		state, done, message = "Completed", 100, "the image was written and verified"
	}
	at := tasksPath + "/" + id
	o := resource(at, "Task.v1_5_0.Task", "Update of "+componentNames[t.which], object{
		"TaskState": state, "TaskStatus": health, "PercentComplete": done, "TaskMonitor": at + monitorPostfix,
		"StartTime": t.begun.UTC().Format(time.RFC3339),
		"Messages":  []object{{"MessageId": "Update.1.0." + state, "Message": message, "Severity": health}},
	})
	if t.settled {
		o["EndTime"] = t.ends.UTC().Format(time.RFC3339)
	}
	return o
}

// progress is in percent, and not 100 before it has taken effect.
func (b *BMC) progress(t *task) int {
	if t.waits || b.hardware.Update <= 0 {
		return 0
	}
	return min(99, int(100*time.Since(t.begun)/b.hardware.Update))
}

// monitorTask answers 202 while a task goes on, and then with what came of it.
func monitorTask(b *BMC, w http.ResponseWriter, r *http.Request, _ []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	id := path.Base(strings.TrimSuffix(r.URL.Path, monitorPostfix))
	t := b.task(id)
	switch {
	case t == nil:
		notFound(w, r)
	case !t.settled:
		w.Header().Set("Location", r.URL.Path)
		answer(w, http.StatusAccepted, b.taskView(id))
	default:
		answer(w, http.StatusOK, b.taskView(id))
	}
}
