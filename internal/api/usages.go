package api

import (
	"context"
	"net/http"
	"strings"
	"time"

	"millwright/internal/access"
	"millwright/internal/bill"
	"millwright/internal/metal"
)

// Usages is what the store knows of what was used.
type Usages interface {
	Usage(context.Context, metal.UsageAsk) (metal.UsageReport, error)
}

// usageRoutes: Packet's own for a project and a device, and reports for whoever
// writes the bills.
func (s *server) usageRoutes() []route {
	see := func(path string, kind access.Kind, does string, out any, do handler) route {
		return route{method: http.MethodGet, path: path, verb: access.See, kind: kind, code: http.StatusOK, does: does, out: out, handle: do}
	}
	return []route{
		see("/projects/{id}/usages", access.Usage, "Tell what a project used; created[after] and created[before] cut it.", UsageList{}, projectUsages),
		see("/devices/{id}/usages", access.Usage, "Tell what a device used.", UsageList{}, deviceUsages),
		see("/organizations/{id}/usages", access.Usage, "Report what an organization's projects used in a period: month, or from and to; format=csv.", anyOf{bill.Report{}, text("text/csv")}, organizationReport),
		see("/usages", access.System, "Report what was used in a period, of a project, an organization or all; format=csv.", anyOf{bill.Report{}, text("text/csv")}, report),
	}
}

// UsageList is Packet's form. It has no prices: bills are written elsewhere.
type UsageList struct {
	Usages []Usage `json:"usages"`
}

// Usage is what a thing was used. Quantity is text to Packet's clients; beside
// it stand the whole numbers that it is made of.
type Usage struct {
	ID       string  `json:"id"`
	Facility string  `json:"facility,omitempty"`
	Name     string  `json:"name"`
	Plan     string  `json:"plan,omitempty"`
	Type     string  `json:"type"`
	Unit     string  `json:"unit"`
	Quantity string  `json:"quantity"`
	From     *string `json:"from"`
	To       *string `json:"to"`
	Seconds  int64   `json:"seconds"`
	Count    uint64  `json:"count"`
	Bytes    uint64  `json:"bytes"`
	Open     bool    `json:"open"` // it goes on
}

func projectUsages(c *call) (any, error) {
	return usages(c, metal.UsageAsk{Project: metal.ProjectID(c.id())})
}

func deviceUsages(c *call) (any, error) {
	return usages(c, metal.UsageAsk{Device: metal.DeviceID(c.id())})
}

// usages are of all time, unless the query says otherwise.
func usages(c *call, ask metal.UsageAsk) (any, error) {
	after, before := c.query("created[after]"), c.query("created[before]")
	if after == "" {
		after = "1970-01-01"
	}
	var err error
	if ask.Since, ask.Until, err = bill.Period("", after, before, time.Now()); err != nil {
		return nil, unprocessable("%s", strings.NewReplacer("from:", "created[after]:", "to:", "created[before]:").Replace(err.Error()))
	}
	if before == "" {
		ask.Until = ask.Until.Add(time.Hour) // what goes on is open, whichever clock is ahead
	}
	found, err := c.server.Store.Usage(c.ctx, ask)
	if err != nil {
		return nil, err
	}
	list := UsageList{Usages: make([]Usage, len(found.Records))}
	for i, r := range found.Records {
		list.Usages[i] = usageWire(r)
	}
	return list, nil
}

func organizationReport(c *call) (any, error) {
	return reported(c, metal.UsageAsk{Organization: metal.OrganizationID(c.id()), Project: metal.ProjectID(c.query("project"))})
}

func report(c *call) (any, error) {
	return reported(c, metal.UsageAsk{Organization: metal.OrganizationID(c.query("organization")), Project: metal.ProjectID(c.query("project"))})
}

// reported is a report whole: half of one would be half a bill.
func reported(c *call, ask metal.UsageAsk) (any, error) {
	format := c.query("format")
	if format != "" && format != "json" && format != "csv" {
		return nil, unprocessable("format: %q is neither json nor csv", format)
	}
	var err error
	if ask.Since, ask.Until, err = bill.Period(c.query("month"), c.query("from"), c.query("to"), time.Now()); err != nil {
		return nil, unprocessable("%s", err)
	}
	found, err := c.server.Store.Usage(c.ctx, ask)
	if err != nil || format != "csv" {
		return bill.Of(found), err
	}
	var lines strings.Builder
	if err := bill.CSV(&lines, found); err != nil {
		return nil, err
	}
	c.answer.Set("Content-Type", "text/csv; charset=utf-8")
	return text(lines.String()), nil
}
