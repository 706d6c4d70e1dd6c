package bmc

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"millwright/internal/metal"
)

// logService is one of a BMC's logs.
type logService struct {
	ID, Name word
	Type     word `json:"LogEntryType"` // "SEL", "Event", "Oem", "Multiple"
	Policy   word `json:"OverWritePolicy"`
	Max      int  `json:"MaxNumberOfRecords"`
	Entries  reference
	Actions  struct {
		Clear struct {
			Target string `json:"target"`
		} `json:"#LogService.ClearLog"`
	}
}

// logEntry is an entry of one.
type logEntry struct {
	ID, Severity, Created, EventTimestamp word
	SensorType, Message, MessageID        word
	SensorName                            word `json:"Name"`
	EntryType                             word
}

func (e logEntry) entry() metal.LogEntry {
	at, _ := time.Parse(time.RFC3339, string(cmp.Or(e.Created, e.EventTimestamp))) // a BMC that lost its clock says none
	return metal.LogEntry{
		ID: string(e.ID), At: at.UTC(), Severity: severityOf(e.Severity),
		Sensor: string(e.SensorType), Message: string(cmp.Or(e.Message, e.MessageID)),
	}
}

// hardwareLogs are the IDs of logs of the hardware, best first: the SEL, HPE's
// integrated management log, OpenBMC's, Lenovo's and Supermicro's.
var hardwareLogs = []string{"sel", "iml", "eventlog", "platformlog", "log1", "log"}

// fame is how good a log is, by its name; -1 is not known for the hardware: one
// of who logged in, of POST codes or of crashes.
func fame(id string) int {
	if at := slices.Index(hardwareLogs, strings.ToLower(id)); at >= 0 {
		return len(hardwareLogs) - at
	}
	return -1
}

// rank is how good a log is.
func (l logService) rank() int {
	switch {
	case l.Entries.ID == "":
		return -1
	case l.Type == "SEL":
		return len(hardwareLogs)
	}
	return fame(string(l.ID))
}

// hardwareLog finds the event log: at the system, else at its managers.
func (v *visit) hardwareLog(ctx context.Context) (logService, error) {
	places := []string{v.system.LogServices.ID}
	for _, manager := range v.system.Links.ManagedBy {
		places = append(places, strings.TrimSuffix(manager.ID, "/")+"/LogServices")
	}
	var failed error
	for _, place := range places {
		if place == "" {
			continue
		}
		best, err := v.bestLog(ctx, place)
		if best.rank() >= 0 {
			return best, nil
		}
		if err != nil && !v.answered() {
			return best, err
		}
		failed = cmp.Or(failed, err)
	}
	return logService{}, cmp.Or(failed, errNoLog)
}

// bestLog is the best log of one place. Those that go by a known name are not
// all read to find it.
func (v *visit) bestLog(ctx context.Context, place string) (best logService, err error) {
	var links struct{ Members []reference }
	if err := v.get(ctx, place, &links); err != nil {
		return best, err
	}
	known := slices.DeleteFunc(slices.Clone(links.Members), func(r reference) bool { return fame(path.Base(r.ID)) < 0 })
	slices.SortFunc(known, func(a, b reference) int { return fame(path.Base(b.ID)) - fame(path.Base(a.ID)) })
	if len(known) > 0 {
		links.Members = known[:1]
	}
	for _, link := range links.Members[:min(len(links.Members), 10)] {
		var one logService
		if err := v.get(ctx, link.ID, &one); err != nil {
			return best, err
		}
		if one.rank() > best.rank() {
			best = one
		}
	}
	return best, nil
}

var errNoLog = fmt.Errorf("the BMC has no event log: %w", metal.ErrUnsupported)

// entryLimit bounds what is read of one log; the longest of the field hold some 4,000.
const entryLimit = 5000

// readLog reads the entries since the mark. Logs whose newest entries come
// first are read no further than to the mark.
func (v *visit) readLog(ctx context.Context, r *metal.Reading) error {
	log, err := v.hardwareLog(ctx)
	if err != nil {
		return err
	}
	var entries []metal.LogEntry
	used, err := v.each(ctx, log.Entries.ID, 1, func(raw json.RawMessage) (bool, error) {
		var one logEntry
		if json.Unmarshal(raw, &one) == nil && one.ID != "" {
			entries = append(entries, one.entry())
		}
		return len(entries) < entryLimit && !reached(entries, r.LogMark), nil
	})
	if err != nil {
		return err
	}
	r.Log, r.LogMark, r.Cleared = sinceMark(metal.Redfish, entries, r.LogMark)
	r.LogFull = log.Policy != "WrapsWhenFull" && nearlyFull(used, log.Max)
	return nil
}

// reached is whether a log that is read from its newest entry is read enough.
func reached(entries []metal.LogEntry, mark string) bool {
	n := len(entries)
	return n > 1 && mark != "" && compareIDs(entries[0].ID, entries[n-1].ID) > 0 && markOf(metal.Redfish, entries[n-1]) == mark
}

// clearLog empties the hardware's log.
func (s *redfishSession) clearLog(ctx context.Context) error {
	v, err := s.look(ctx)
	if err != nil {
		return err
	}
	log, err := v.hardwareLog(ctx)
	if err != nil {
		return err
	}
	if log.Actions.Clear.Target == "" {
		return fmt.Errorf("log %s cannot be cleared: %w", log.ID, metal.ErrUnsupported)
	}
	_, err = v.post(ctx, log.Actions.Clear.Target, struct{}{})
	return err
}
