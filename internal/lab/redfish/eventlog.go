package redfish

import (
	"net/http"
	"strconv"
	"time"

	"millwright/internal/metal"
)

// LogCapacity is how many entries an event log holds. A full one takes no more
// before it is cleared, as those of IPMI.
const LogCapacity = 512

// eventLog is a system event log. Its entries' numbers begin again after it was
// cleared.
type eventLog struct{ entries []metal.LogEntry }

func (l *eventLog) add(e metal.LogEntry) {
	if len(l.entries) >= LogCapacity {
		return
	}
	e.ID = strconv.Itoa(len(l.entries) + 1)
	if e.At.IsZero() {
		e.At = time.Now()
	}
	l.entries = append(l.entries, e)
}

// AddLogEntry writes into the BMC's event log, if there is room. Its ID is the
// log's to give; without a time it happened at this moment.
func (b *BMC) AddLogEntry(e metal.LogEntry) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.events.add(e)
}

func logService(b *BMC) object {
	return resource(logPath, "LogService.v1_2_0.LogService", "System event log", object{
		"LogEntryType": "SEL", "ServiceEnabled": true, "MaxNumberOfRecords": LogCapacity, "OverWritePolicy": "NeverOverWrites",
		"DateTime": time.Now().UTC().Format(time.RFC3339), "Entries": link(entriesPath), "Status": statusOf(healthOK),
		"Actions": object{"#LogService.ClearLog": object{"target": clearPath}},
	})
}

func (b *BMC) entryIDs() []string { return numbered("", len(b.events.entries)) }

// severities in DMTF's words.
var severities = map[metal.Severity]string{
	metal.Note: healthOK, metal.Degraded: healthWarning, metal.Failing: healthCritical,
}

func (b *BMC) entryView(id string) object {
	i, ok := place(id, "", len(b.events.entries))
	if !ok {
		return nil
	}
	e := b.events.entries[i]
	return resource(entriesPath+"/"+id, "LogEntry.v1_8_0.LogEntry", "Log entry "+id, object{
		"EntryType": "SEL", "Severity": severities[e.Severity], "Created": e.At.UTC().Format(time.RFC3339),
		"Message": e.Message, "MessageId": "0x" + strconv.FormatInt(int64(i+1), 16), "SensorType": nil,
	})
}

// clearLog leaves one entry, which says that it was cleared, as those of IPMI do.
func clearLog(b *BMC, w http.ResponseWriter, _ *http.Request, _ []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.events = eventLog{}
	b.events.add(metal.LogEntry{Severity: metal.Note, Message: "Event log cleared"})
	w.WriteHeader(http.StatusNoContent)
}
