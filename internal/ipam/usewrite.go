package ipam

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"text/tabwriter"

	"millwright/internal/metal"
)

// UseRow is a use as programs read it. Its fields, as columns of the CSV and
// keys of the JSON, keep their names and their order; new ones come last.
// Numbers are in Unit; used is 0 to 1.
type UseRow struct {
	By          By       `json:"by"`           // aggregate, block, role, site, project
	Of          string   `json:"of"`           // its prefix or name
	Family      int      `json:"family"`       // 4 or 6
	Unit        string   `json:"unit"`         // "addresses" for IPv4, "/64s" for IPv6
	Total       float64  `json:"total"`        //
	Held        float64  `json:"held"`         //
	Quarantined float64  `json:"quarantined"`  // given back, not to be given out yet
	Free        float64  `json:"free"`         //
	Used        float64  `json:"used"`         // held / total
	LongestFree string   `json:"longest_free"` // the largest prefix that is wholly free; empty where nothing is
	PerDay      float64  `json:"per_day"`      // growth of held, over the last week's samples
	DaysLeft    *float64 `json:"days_left"`    // free / per_day, as if the week went on so; null (CSV: empty) where nothing grows
}

var useColumns = []string{"by", "of", "family", "unit", "total", "held", "quarantined", "free", "used",
	"longest_free", "per_day", "days_left"}

// UseRows is what UseCSV and UseJSON write.
func UseRows(by By, uses []metal.Use) []UseRow {
	rows := make([]UseRow, len(uses))
	for i, u := range uses {
		rows[i] = UseRow{By: by, Of: u.Of, Family: u.Family, Unit: Unit(u.Family), Total: u.Total, Held: u.Held,
			Quarantined: u.Resting, Free: u.Free, Used: share(u.Held, u.Total), PerDay: u.PerDay}
		if u.LongestFree.IsValid() {
			rows[i].LongestFree = u.LongestFree.String()
		}
		if days, grows := u.DaysLeft(); grows {
			rows[i].DaysLeft = &days
		}
	}
	return rows
}

// share is part of whole, 0 to 1.
func share(part, whole float64) float64 {
	if whole == 0 {
		return 0
	}
	return part / whole
}

// UseJSON writes a list of UseRow.
func UseJSON(w io.Writer, by By, uses []metal.Use) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(UseRows(by, uses))
}

// UseCSV writes a header and a line for each use.
func UseCSV(w io.Writer, by By, uses []metal.Use) error {
	out := csv.NewWriter(w)
	records := [][]string{useColumns}
	for _, r := range UseRows(by, uses) {
		days := ""
		if r.DaysLeft != nil {
			days = number(*r.DaysLeft)
		}
		records = append(records, []string{string(r.By), r.Of, strconv.Itoa(r.Family), r.Unit, number(r.Total),
			number(r.Held), number(r.Quarantined), number(r.Free), number(r.Used), r.LongestFree, number(r.PerDay), days})
	}
	return out.WriteAll(records)
}

// number is exact: what reads it back finds the same number.
func number(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

// UseTable writes uses for people, in columns.
func UseTable(w io.Writer, by By, uses []metal.Use) error {
	columns := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(columns, "%s\tTOTAL\tHELD\tQUARANTINED\tFREE\tUSED\tLONGEST FREE\tPER DAY\tDAYS LEFT\n", strings.ToUpper(string(by)))
	families := map[int]bool{}
	for _, u := range uses {
		families[u.Family] = true
		longest, left := "-", "-"
		if u.LongestFree.IsValid() {
			longest = u.LongestFree.String()
		}
		if days, grows := u.DaysLeft(); grows {
			left = "~" + short(math.Floor(days))
		}
		fmt.Fprintf(columns, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", u.Of, sized(u.Total, u.Family), short(u.Held),
			short(u.Resting), short(u.Free), percent(share(u.Held, u.Total)), longest, signed(u.PerDay), left)
	}
	if err := columns.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprint(w, useFootnote(families))
	return err
}

// useFootnote says what the numbers count, and what the last column is worth.
func useFootnote(families map[int]bool) string {
	units := []string{}
	if families[4] {
		units = append(units, "IPv4 in addresses")
	}
	if families[6] {
		units = append(units, "IPv6 in /64s")
	}
	if len(units) == 0 {
		return "nothing to count\n"
	}
	return fmt.Sprintf("Counted: %s. Days left: the free space, if every day took what the last week's days took on average.\n",
		strings.Join(units, ", "))
}

func sized(f float64, family int) string {
	if family == 4 {
		return short(f)
	}
	return short(f) + " /64s"
}

func signed(f float64) string {
	switch {
	case f == 0:
		return "-"
	case f > 0:
		return "+" + short(f)
	}
	return short(f)
}

// short is a number of six characters or so: a small one as it is, a large one
// with a letter for its power of ten.
func short(f float64) string {
	switch {
	case f < 0:
		return "-" + short(-f)
	case f < 1e5 && f == math.Trunc(f):
		return number(f)
	case f < 0.01:
		return "<0.01"
	case f < 100:
		return strconv.FormatFloat(f, 'g', 3, 64)
	case f < 1e3:
		return strconv.FormatFloat(f, 'f', 0, 64)
	case f < 1e6:
		return strconv.FormatFloat(f/1e3, 'f', 1, 64) + "k"
	case f < 1e9:
		return strconv.FormatFloat(f/1e6, 'f', 1, 64) + "M"
	case f < 1e12:
		return strconv.FormatFloat(f/1e9, 'f', 1, 64) + "G"
	}
	return strconv.FormatFloat(f, 'e', 2, 64)
}

// percent never says 0 or 100 of what is neither.
func percent(part float64) string {
	switch {
	case part > 0 && part < 0.001:
		return "<0.1%"
	case part < 1 && part > 0.999:
		return ">99.9%"
	}
	return strconv.FormatFloat(part*100, 'f', 1, 64) + "%"
}
