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
// it. IDs of BMCs are numbers that start again at 1, or else times.

// markOf names an entry: "<sum of its content>:<ID>".
func markOf(e metal.LogEntry) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s|%d|%s|%s", e.ID, e.At.Unix(), e.Sensor, e.Message))
	return hex.EncodeToString(sum[:6]) + ":" + e.ID
}

// sinceMark are the entries after the mark, oldest first, and the next mark.
// Cleared says that the log was emptied since; all of its entries are new then.
func sinceMark(entries []metal.LogEntry, mark string) (fresh []metal.LogEntry, next string, cleared bool) {
	_, last, marked := strings.Cut(mark, ":")
	if len(entries) == 0 {
		return nil, "", marked
	}
	slices.SortStableFunc(entries, func(a, b metal.LogEntry) int {
		return cmp.Or(compareIDs(a.ID, b.ID), a.At.Compare(b.At))
	})
	next = markOf(entries[len(entries)-1])
	if !marked {
		return entries, next, false
	}
	at, found := slices.BinarySearchFunc(entries, last, func(e metal.LogEntry, id string) int { return compareIDs(e.ID, id) })
	switch {
	case found && markOf(entries[at]) != mark, // another entry by this ID
		!found && at == len(entries): // all IDs are lower
		return entries, next, true
	case found:
		at++
	}
	return entries[at:], next, false
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
