package api

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strconv"

	"millwright/internal/access"
	"millwright/internal/metal"
)

// Stock is what the store knows of free machines.
type Stock interface {
	Capacity(ctx context.Context) ([]metal.Stock, error)
}

// Capacity says, for each place, how each plan is stocked there.
type Capacity struct {
	Capacity map[string]map[metal.PlanID]CapacityLevel `json:"capacity"`
}

// CapacityLevel is a word for it: unavailable, critical, limited or normal.
type CapacityLevel struct {
	Level string `json:"level"`
}

// Levels begin where somebody who orders a few machines should think twice.
const (
	critical = 2  // machines
	limited  = 5  // machines
	scarce   = 10 // one in so many is free
)

func levelOf(machines, free int) string {
	switch {
	case free == 0:
		return "unavailable"
	case free <= critical:
		return "critical"
	case free <= limited || free*scarce <= machines:
		return "limited"
	}
	return "normal"
}

// CapacityCheck asks whether machines are there, and is answered with the same.
type CapacityCheck struct {
	Servers []CapacityServers `json:"servers"`
}

// CapacityServers are so many machines of a plan at a place.
type CapacityServers struct {
	Facility  string   `json:"facility,omitempty"`
	Metro     string   `json:"metro,omitempty"`
	Plan      string   `json:"plan"`
	Quantity  quantity `json:"quantity"`
	Available *bool    `json:"available,omitempty"`
}

// quantity is a number that the SDK writes as a string and packngo as a number:
// each is answered in its own form. One that is left out is 1.
type quantity struct {
	n      int
	quoted bool
}

func (q *quantity) UnmarshalJSON(raw []byte) error {
	text := string(bytes.Trim(raw, `"`))
	if text == "" || text == "null" {
		return nil
	}
	q.quoted = raw[0] == '"'
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return unprocessable("quantity: %q is no number from 1", text)
	}
	q.n = n
	return nil
}

func (quantity) schema() node {
	return node{"oneOf": []node{{"type": "integer", "minimum": 1}, {"type": "string"}}}
}

func (q quantity) MarshalJSON() ([]byte, error) {
	if q.quoted {
		return json.Marshal(strconv.Itoa(q.n))
	}
	return json.Marshal(q.n)
}

// place tells sites or metros from one another.
type place struct {
	key   func(metal.Stock) string
	named func(metal.Catalogue, CapacityServers) (string, error)
}

var (
	atSites  = place{siteOf, siteAsked}
	inMetros = place{metroOf, metroAsked}
)

func siteOf(s metal.Stock) string  { return string(s.Site) }
func metroOf(s metal.Stock) string { return s.Metro }

func siteAsked(all metal.Catalogue, s CapacityServers) (string, error) {
	site, err := facilityNamed(all, s.Facility)
	return string(site.ID), err
}

func metroAsked(all metal.Catalogue, s CapacityServers) (string, error) {
	code, _, err := metroNamed(all, s.Metro)
	return code, err
}

func (s *server) capacityRoutes() []route {
	get := func(path string, kind access.Kind, does string, of place) route {
		return route{
			method: http.MethodGet, path: path, verb: access.See, kind: kind, code: http.StatusOK,
			does: does, out: Capacity{}, handle: of.levels,
		}
	}
	check := func(path, does string, of place) route {
		return route{
			method: http.MethodPost, path: path, verb: access.See, kind: access.Catalogue, code: http.StatusOK,
			does: does, in: CapacityCheck{}, out: CapacityCheck{}, handle: of.check,
		}
	}
	return []route{
		get("/capacity", access.Catalogue, "See how sites are stocked.", atSites),
		get("/capacity/metros", access.Catalogue, "See how metros are stocked.", inMetros),
		get("/organizations/{id}/capacity", access.Organization, "See how sites are stocked for an organization.", atSites),
		get("/organizations/{id}/capacity/metros", access.Organization, "See how metros are stocked for an organization.", inMetros),
		check("/capacity", "Ask whether sites have so many machines.", atSites),
		check("/capacity/metros", "Ask whether metros have so many machines.", inMetros),
	}
}

// count adds up what is there, by place and plan.
func (p place) count(c *call) (machines, free map[string]map[metal.PlanID]int, err error) {
	stock, err := c.server.Store.Capacity(c.ctx)
	machines, free = map[string]map[metal.PlanID]int{}, map[string]map[metal.PlanID]int{}
	for _, s := range stock {
		at := p.key(s)
		if machines[at] == nil {
			machines[at], free[at] = map[metal.PlanID]int{}, map[metal.PlanID]int{}
		}
		machines[at][s.Plan] += s.Machines
		free[at][s.Plan] += s.Free
	}
	return machines, free, err
}

func (p place) levels(c *call) (any, error) {
	machines, free, err := p.count(c)
	if err != nil {
		return nil, err
	}
	answer := Capacity{map[string]map[metal.PlanID]CapacityLevel{}}
	for at, plans := range machines {
		answer.Capacity[at] = map[metal.PlanID]CapacityLevel{}
		for plan, n := range plans {
			answer.Capacity[at][plan] = CapacityLevel{levelOf(n, free[at][plan])}
		}
	}
	return answer, nil
}

// check answers each line for itself: two lines that ask for the same last
// machine both hear that it is there.
func (p place) check(c *call) (any, error) {
	var asked CapacityCheck
	if err := c.decode(&asked); err != nil {
		return nil, err
	}
	if len(asked.Servers) == 0 {
		return nil, unprocessable("servers: missing; say which plan, where, and how many")
	}
	all, err := c.catalogue()
	if err != nil {
		return nil, err
	}
	_, free, err := p.count(c)
	if err != nil {
		return nil, err
	}
	for i, line := range asked.Servers {
		at, err := p.named(all, line)
		if err != nil {
			return nil, err
		}
		plan, err := planNamed(all, line.Plan)
		if err != nil {
			return nil, err
		}
		if line.Quantity.n == 0 {
			asked.Servers[i].Quantity = quantity{1, true}
		}
		enough := free[at][plan.ID] >= asked.Servers[i].Quantity.n
		asked.Servers[i].Available = &enough
	}
	return asked, nil
}
