package ipam

import (
	"cmp"
	"encoding/csv"
	"io"
	"net/netip"
	"slices"
	"strings"
	"time"

	"millwright/internal/metal"
)

// ExportCSV writes a snapshot in our own Columns. Reading it gives a plan of the
// same aggregates, blocks, leases and quarantines; free space is what is left.
func ExportCSV(w io.Writer, s Snapshot) error {
	out := csv.NewWriter(w)
	records := [][]string{Columns}
	for _, fields := range s.rows() {
		record := make([]string, len(Columns))
		for i, column := range Columns {
			record[i] = fields[column]
		}
		records = append(records, record)
	}
	return out.WriteAll(records)
}

// rows are a snapshot's things in our columns, outer before inner.
func (s Snapshot) rows() []map[string]string {
	rows := []exported{}
	for _, a := range s.Aggregates {
		rows = append(rows, exported{a.Prefix, rankAggregate, map[string]string{"kind": kindAggregate, "prefix": a.Prefix.String(),
			"registry": a.Registry, "status": a.Status, "since": exactTime(a.Given), "note": a.Note}})
	}
	for _, r := range s.rooms() {
		rows = append(rows, exported{r.Prefix, rankBlock, map[string]string{"kind": kindBlock, "prefix": r.Prefix.String(),
			"site": string(r.Site), "role": string(r.Role), "purpose": string(r.Purpose), "project": string(r.Project),
			"projects": sortedText(r.Projects), "since": exactTime(r.MadeAt), "note": r.Note}})
		for _, p := range r.pieces {
			rows = append(rows, exported{p.Prefix, rankLease, s.lease(r, p)})
		}
	}
	slices.SortStableFunc(rows, func(a, b exported) int {
		return cmp.Or(a.prefix.Compare(b.prefix), cmp.Compare(a.rank, b.rank))
	})
	fields := make([]map[string]string, len(rows))
	for i, row := range rows {
		fields[i] = row.fields
	}
	return fields
}

// exported is a row of ours, and its place in the order.
type exported struct {
	prefix netip.Prefix
	rank   int
	fields map[string]string
}

func (s Snapshot) lease(r *room, p metal.Piece) map[string]string {
	row := map[string]string{"prefix": p.Prefix.String(), "site": string(r.Site), "role": string(r.Role), "since": exactTime(p.Since)}
	if p.State == metal.Resting {
		row["kind"], row["until"] = kindQuarantine, exactTime(p.FreedAt)
		return row
	}
	row["kind"], row["holder"], row["ask"] = kindLease, string(p.Holder), p.Ask
	row["project"] = string(s.Projects[p.Holder])
	return row
}

// exactTime is a date where it is a whole day, else RFC 3339 to the last digit.
func exactTime(t time.Time) string {
	text := t.UTC().Format(time.RFC3339Nano)
	if t.IsZero() {
		return ""
	}
	return strings.TrimSuffix(text, "T00:00:00Z")
}
