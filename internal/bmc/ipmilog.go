package bmc

import (
	"strconv"
	"strings"
	"time"

	"millwright/internal/metal"
)

// parseLog reads "ipmitool -c sel elist":
//
//	1,11/23/26,03:37:01 UTC,Temperature CPU1 Temp,Upper Critical going high,Asserted,Reading 95 > Threshold 90 degrees C
//
// Record IDs are in hex; ours are in decimal, as all others. An entry from
// before the BMC knew the time has none.
func parseLog(printed string) (entries []metal.LogEntry) {
	for line := range strings.Lines(printed) {
		fields := strings.Split(strings.TrimRight(line, "\r\n"), ",")
		id, err := strconv.ParseUint(strings.TrimSpace(fields[0]), 16, 16)
		if err != nil || len(fields) < 4 || len(entries) >= entryLimit {
			continue
		}
		said := clean(strings.Join(fields[4:], ", "), 500)
		e := metal.LogEntry{
			ID: strconv.FormatUint(id, 10), At: selTime(fields[1], fields[2]), Severity: selSeverity(said),
			Sensor: clean(fields[3], 100), Message: said,
		}
		if e.Message == "" {
			e.Sensor, e.Message = "", e.Sensor // a vendor's record, in hex
		}
		entries = append(entries, e)
	}
	return entries
}

// selTime reads a date and a time; years have two digits or four.
func selTime(date, clock string) time.Time {
	text := strings.TrimSpace(date) + " " + strings.TrimSuffix(strings.TrimSpace(clock), " UTC")
	for _, form := range []string{"01/02/06 15:04:05", "01/02/2006 15:04:05"} {
		if at, err := time.Parse(form, text); err == nil {
			return at
		}
	}
	return time.Time{}
}

// selSeverity is what an event means: IPMI gives it none of its own.
func selSeverity(said string) metal.Severity {
	lower := strings.ToLower(said)
	switch {
	case strings.Contains(lower, "deasserted"):
		return metal.Note
	case strings.Contains(lower, "non-critical"):
		return metal.Degraded
	case strings.Contains(lower, "non-recoverable"), strings.Contains(lower, "critical"):
		return metal.Failing
	}
	switch alarm(lower) {
	case "critical":
		return metal.Failing
	case "warning":
		return metal.Degraded
	}
	return metal.Note
}

// logIsFull reads "ipmitool sel info".
func logIsFull(info map[string]string) bool {
	used, err := strconv.Atoi(strings.TrimSuffix(info["percent used"], "%"))
	return err == nil && nearlyFull(used, 100) || info["overflow"] == "true"
}
