package ipam

import (
	"encoding/csv"
	"encoding/json"
	"io"
	"net/url"
	"strings"
	"unicode/utf8"

	"millwright/internal/metal"
)

// netboxColumns are the fields of NetBox's import forms (forms/bulk_import.py,
// 3.4 to 4.4) that we have something to say in. NetBox wants the RIRs, tenants,
// roles and sites that are named to be there already.
var netboxColumns = map[string][]string{
	NetBoxAggregates:  {"prefix", "rir", "date_added", "description", "comments"},
	NetBoxPrefixes:    {"prefix", "status", "site", "role", "tenant", "description", "comments"},
	NetBoxIPAddresses: {"address", "status", "role", "tenant", "description", "comments"},
}

// NetBoxExport says what is written for which NetBox.
type NetBoxExport struct {
	List   string // NetBoxAggregates, NetBoxPrefixes or NetBoxIPAddresses: NetBox imports one at a time, in this order
	Scoped bool   // scope_type and scope_name in place of site, which 4.2 and later do not know
}

func (e NetBoxExport) columns() []string {
	columns := []string{}
	for _, column := range netboxColumns[e.List] {
		if column == "site" && e.Scoped {
			columns = append(columns, "scope_type", "scope_name")
			continue
		}
		columns = append(columns, column)
	}
	return columns
}

// CSV writes one of NetBox's lists as its bulk import reads it.
func (e NetBoxExport) CSV(w io.Writer, s Snapshot) error {
	columns := e.columns()
	records := [][]string{columns}
	for _, fields := range e.rows(s) {
		record := make([]string, len(columns))
		for i, column := range columns {
			record[i] = fields[column]
		}
		records = append(records, record)
	}
	return csv.NewWriter(w).WriteAll(records)
}

// JSON writes the same as a list of objects, which NetBox's bulk import reads
// too. Empty fields are left out.
func (e NetBoxExport) JSON(w io.Writer, s Snapshot) error {
	objects := []map[string]string{}
	for _, fields := range e.rows(s) {
		object := map[string]string{}
		for _, column := range e.columns() {
			if fields[column] != "" {
				object[column] = fields[column]
			}
		}
		objects = append(objects, object)
	}
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(objects)
}

func (e NetBoxExport) rows(s Snapshot) []map[string]string {
	rows := []map[string]string{}
	for _, own := range s.rows() {
		if listFor(own) == e.List {
			rows = append(rows, e.row(own))
		}
	}
	return rows
}

// listFor is the list of NetBox's that a row of ours belongs in.
func listFor(own map[string]string) string {
	alone := strings.HasSuffix(own["prefix"], "/32") && !strings.Contains(own["prefix"], ":") || strings.HasSuffix(own["prefix"], "/128")
	switch {
	case own["kind"] == kindAggregate:
		return NetBoxAggregates
	case own["kind"] == kindBlock || !alone:
		return NetBoxPrefixes
	}
	return NetBoxIPAddresses
}

// netboxStatus is what NetBox makes of a kind: a container is no space of its
// own, and what is reserved is not given out.
var netboxStatus = map[string]string{kindBlock: "container", kindLease: "active", kindQuarantine: "reserved"}

const longestDescription = 200 // letters, in NetBox's models

// row translates a row of ours. The comments carry all of ours, for the way
// back; NetBox's fields have what people look at.
func (e NetBoxExport) row(own map[string]string) map[string]string {
	row := map[string]string{"prefix": own["prefix"], "address": own["prefix"], "status": netboxStatus[own["kind"]],
		"rir": own["registry"], "site": own["site"], "role": own["role"]}
	row["tenant"] = own["project"]
	if project, ok := strings.CutPrefix(own["holder"], metal.ProjectHolder); ok {
		row["tenant"] = project
	}
	if own["kind"] == kindAggregate {
		row["date_added"], _, _ = strings.Cut(own["since"], "T")
	}
	if note := own["note"]; utf8.RuneCountInString(note) <= longestDescription && !strings.ContainsAny(note, "\r\n\t•—") {
		row["description"] = note
	}
	if own["site"] != "" {
		row["scope_type"], row["scope_name"] = "dcim.site", own["site"]
	}
	if e.List == NetBoxIPAddresses && own["role"] != string(metal.Anycast) {
		row["role"] = "" // an address's roles are others: loopback, vip, anycast, …
	}
	values := url.Values{}
	for _, column := range Columns {
		if own[column] != "" && column != "prefix" && (column != "note" || row["description"] == "") {
			values.Set(column, own[column])
		}
	}
	row["comments"] = remark + values.Encode()
	return row
}
