package bill

import (
	"encoding/csv"
	"encoding/json"
	"io"
	"strconv"
	"time"

	"millwright/internal/metal"
)

// Report is a report as programs read it.
type Report struct {
	From    string   `json:"from"`
	To      string   `json:"to"`
	Final   bool     `json:"final"` // it never changes
	Records []Record `json:"records"`
}

// Record is one thing that was used. Seconds and Count are whole numbers; what
// they cost is the billing system's to say.
type Record struct {
	ID                  string `json:"id"` // the same whenever this period is asked for
	Kind                string `json:"kind"`
	Organization        string `json:"organization,omitempty"`
	Project             string `json:"project"`
	Site                string `json:"site,omitempty"` // none: addresses of every site
	Thing               string `json:"thing"`          // the device, or the reservation
	Plan                string `json:"plan,omitempty"`
	Prefix              string `json:"prefix,omitempty"`
	HardwareReservation string `json:"hardware_reservation,omitempty"`
	From                string `json:"from"`
	To                  string `json:"to"`
	Seconds             int64  `json:"seconds"`
	Count               uint64 `json:"count"`
	Unit                string `json:"unit"`
	Bytes               uint64 `json:"bytes"`
	Open                bool   `json:"open"` // it goes on
}

// Of puts a report into the form that programs read.
func Of(r metal.UsageReport) Report {
	report := Report{From: stamp(r.Since), To: stamp(r.Until), Final: r.Final, Records: make([]Record, len(r.Records))}
	for i, record := range r.Records {
		report.Records[i] = recordOf(record)
	}
	return report
}

func recordOf(r metal.UsageRecord) Record {
	record := Record{
		ID: r.ID(), Kind: string(r.Kind), Organization: string(r.Organization), Project: string(r.Project), Site: string(r.Site),
		Thing: r.Thing, Plan: string(r.Plan), HardwareReservation: r.Reservation, From: stamp(r.Since), To: stamp(r.Until),
		Seconds: r.Seconds(), Count: r.Count(), Unit: Unit(r), Bytes: r.Octets, Open: r.Open,
	}
	if r.Prefix.IsValid() {
		record.Prefix = r.Prefix.String()
	}
	return record
}

// Unit is what a record counts.
func Unit(r metal.UsageRecord) string {
	switch {
	case r.Kind == metal.EgressUsage:
		return "byte"
	case r.Kind == metal.HardwareUsage:
		return "machine"
	case r.Kind == metal.AddressUsage && r.Prefix.Addr().Is4():
		return "address"
	case r.Kind == metal.AddressUsage:
		return "/64"
	}
	return "device"
}

// JSON writes a report as one object.
func JSON(w io.Writer, r metal.UsageReport) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(Of(r))
}

// columns of the CSV; more may come behind them, none goes.
var columns = []string{"id", "kind", "organization", "project", "site", "thing", "plan", "prefix", "hardware_reservation",
	"from", "to", "seconds", "count", "unit", "bytes", "open", "final"}

// CSV writes a line for each record, after a line of the columns' names.
func CSV(w io.Writer, r metal.UsageReport) error {
	out := csv.NewWriter(w)
	if err := out.Write(columns); err != nil {
		return err
	}
	for _, x := range Of(r).Records {
		if err := out.Write([]string{x.ID, x.Kind, x.Organization, x.Project, x.Site, x.Thing, x.Plan, x.Prefix, x.HardwareReservation,
			x.From, x.To, strconv.FormatInt(x.Seconds, 10), strconv.FormatUint(x.Count, 10), x.Unit,
			strconv.FormatUint(x.Bytes, 10), strconv.FormatBool(x.Open), strconv.FormatBool(r.Final)}); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
