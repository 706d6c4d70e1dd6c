package bmc

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"millwright/internal/metal"
)

// A mark is where a log ended: the last entry's ID, and what it said, so that
// an entry of the same ID in a log that was cleared meanwhile is not taken for
// it. IDs of BMCs are numbers that start again at 1, or else times. A BMC that
// is asked over Redfish and then over IPMI has two logs, of which the IDs have
// nothing to do with each other: times are all that tells what is new then.

// markOf names an entry: "<protocol>:<time>:<sum of its content>:<ID>".
func markOf(over metal.Protocol, e metal.LogEntry) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s|%d|%s|%s", e.ID, e.At.Unix(), e.Sensor, e.Message))
	return fmt.Sprintf("%s:%d:%s:%s", over, e.At.Unix(), hex.EncodeToString(sum[:6]), e.ID)
}

// sinceMark are the entries after the mark, oldest first, and the next mark.
// Cleared says that the log was emptied since; all of its entries are new then.
func sinceMark(over metal.Protocol, entries []metal.LogEntry, mark string) (fresh []metal.LogEntry, next string, cleared bool) {
	parts := strings.SplitN(mark, ":", 4)
	marked := len(parts) == 4
	if len(entries) == 0 {
		return nil, "", marked && parts[0] == string(over)
	}
	slices.SortStableFunc(entries, func(a, b metal.LogEntry) int {
		return cmp.Or(compareIDs(a.ID, b.ID), a.At.Compare(b.At))
	})
	next = markOf(over, entries[len(entries)-1])
	if !marked {
		return entries, next, false
	}
	if parts[0] != string(over) {
		return after(entries, parts[1]), next, false
	}
	last := parts[3]
	at, found := slices.BinarySearchFunc(entries, last, func(e metal.LogEntry, id string) int { return compareIDs(e.ID, id) })
	switch {
	case found && markOf(over, entries[at]) != mark, // another entry by this ID
		!found && at == len(entries): // all IDs are lower
		return entries, next, true
	case found:
		at++
	}
	return entries[at:], next, false
}

// after are the entries that are later than a time.
func after(entries []metal.LogEntry, unix string) (later []metal.LogEntry) {
	seconds, err := strconv.ParseInt(unix, 10, 64)
	for _, e := range entries {
		if err != nil || e.At.Unix() > seconds {
			later = append(later, e)
		}
	}
	return later
}

// compareIDs orders entry IDs: as numbers where both begin with one, which has
// "9" before "10", and the times that OpenBMC uses in order ("1650000000_2").
func compareIDs(a, b string) int {
	x, restA := leadingNumber(a)
	y, restB := leadingNumber(b)
	if x != y {
		return cmp.Compare(x, y)
	}
	return cmp.Compare(restA, restB)
}

func leadingNumber(id string) (n uint64, rest string) {
	end := strings.IndexFunc(id, func(r rune) bool { return r < '0' || r > '9' })
	if end < 0 {
		end = len(id)
	}
	n, err := strconv.ParseUint(id[:end], 10, 64)
	if err != nil {
		return 0, id
	}
	return n, id[end:]
}

// nearlyFull is whether so few entries fit that a busy night fills the log.
func nearlyFull(used, limit int) bool { return limit > 0 && used*10 >= limit*9 }
