package api

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"millwright/internal/access"
	"millwright/internal/metal"
)

// Plan is a class of machines on the wire. Prices are the billing system's: none
// are shown, and pricing is an empty object.
type Plan struct {
	ID                string    `json:"id"`
	Slug              string    `json:"slug"`
	Name              string    `json:"name"`
	Description       string    `json:"description"`
	Line              string    `json:"line"`
	Class             string    `json:"class"`
	Type              string    `json:"type"`
	Legacy            bool      `json:"legacy"`
	Categories        []string  `json:"categories"`
	DeploymentTypes   []string  `json:"deployment_types"`
	Specs             PlanSpecs `json:"specs"`
	Pricing           struct{}  `json:"pricing"`
	AvailableIn       []href    `json:"available_in"`
	AvailableInMetros []href    `json:"available_in_metros"`
	Href              string    `json:"href"`
}

// PlanSpecs are what a plan's machines are made of.
type PlanSpecs struct {
	CPUs   []PlanPart  `json:"cpus"`
	Memory PlanMemory  `json:"memory"`
	Drives []PlanDrive `json:"drives"`
	NICs   []PlanPart  `json:"nics"`
}

// PlanPart is how many of something there are.
type PlanPart struct {
	Count int    `json:"count"`
	Type  string `json:"type,omitempty"`
}

// PlanMemory is all of it, as clients print it: "64GB".
type PlanMemory struct {
	Total string `json:"total"`
}

// PlanDrive is how many drives there are of a size: "480GB".
type PlanDrive struct {
	Count int    `json:"count"`
	Size  string `json:"size"`
}

// PlanList is the answer to every list of plans.
type PlanList struct {
	Plans []Plan `json:"plans"`
}

// planCategories are those of every plan: which is for what, the site file does
// not say.
var planCategories = []string{"compute", "current_gen"}

func planWire(p metal.Plan, sites []metal.Site) Plan {
	id := stableID("plan", string(p.ID))
	w := Plan{
		ID: id, Slug: string(p.ID), Name: string(p.ID), Description: p.Description, Line: "baremetal",
		Class: string(p.ID), Type: "standard", Categories: planCategories, DeploymentTypes: []string{"on_demand"},
		Specs: specsWire(p), AvailableIn: []href{}, AvailableInMetros: []href{}, Href: link("plans", id),
	}
	for _, site := range sites {
		if !slices.Contains(p.Sites, site.ID) {
			continue
		}
		w.AvailableIn = append(w.AvailableIn, href{facilityWire(site).Href})
		if metro := (href{metroWire(site.Metro).Href}); !slices.Contains(w.AvailableInMetros, metro) {
			w.AvailableInMetros = append(w.AvailableInMetros, metro)
		}
	}
	return w
}

func specsWire(p metal.Plan) PlanSpecs {
	specs := PlanSpecs{
		CPUs:   []PlanPart{{Count: 1, Type: strconv.Itoa(p.Cores) + " cores"}},
		Memory: PlanMemory{fmt.Sprintf("%dGB", p.MemoryGiB)}, Drives: []PlanDrive{}, NICs: []PlanPart{{Count: p.NICs}},
	}
	for _, size := range p.DisksGB {
		text := fmt.Sprintf("%dGB", size)
		if i := slices.IndexFunc(specs.Drives, func(d PlanDrive) bool { return d.Size == text }); i >= 0 {
			specs.Drives[i].Count++
			continue
		}
		specs.Drives = append(specs.Drives, PlanDrive{1, text})
	}
	return specs
}

// planNamed finds a plan by its slug or ID, and refuses what is neither.
func planNamed(all metal.Catalogue, given string) (metal.Plan, error) {
	var slugs []string
	for _, p := range all.Plans {
		if called(given, "plan", string(p.ID)) {
			return p, nil
		}
		slugs = append(slugs, string(p.ID))
	}
	return metal.Plan{}, noSuch("plan", given, slugs)
}

// noSuch refuses a name, and tells the names that there are, if they fit a
// sentence.
func noSuch(field, given string, names []string) error {
	const most = 20
	switch {
	case given == "":
		return unprocessable("%s: missing; give one of %s", field, some(names, most))
	case len(names) == 0:
		return unprocessable("%s: %q is none; there are none here yet", field, given)
	}
	return unprocessable("%s: no %s is called %q; there are %s", field, strings.ReplaceAll(field, "_", " "), given, some(names, most))
}

func some(names []string, most int) string {
	if len(names) > most {
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", len(names)-most)
	}
	return strings.Join(names, ", ")
}

func (s *server) planRoutes() []route {
	return []route{
		{path: "/plans", does: "List plans.", out: PlanList{}, handle: listPlans},
		{path: "/plans/{plan}", does: "Get a plan, by ID or slug.", out: Plan{}, handle: getPlan},
		{path: "/projects/{id}/plans", kind: access.Project, does: "List the plans that a project can order.", out: PlanList{}, handle: listPlans},
		{path: "/organizations/{id}/plans", kind: access.Organization, does: "List the plans that an organization's projects can order.", out: PlanList{}, handle: listPlans},
	}
}

func listPlans(c *call) (any, error) {
	all, err := c.catalogue()
	if err != nil {
		return nil, err
	}
	list := PlanList{[]Plan{}}
	for _, p := range all.Plans {
		if w := planWire(p, all.Sites); c.wantsPlan(w) {
			list.Plans = append(list.Plans, w)
		}
	}
	return list, nil
}

// wantsPlan heeds the filters: slug, type, and any of categories[].
func (c *call) wantsPlan(p Plan) bool {
	is := func(parameter, value string) bool {
		given := c.query(parameter)
		return given == "" || given == value
	}
	categories := c.request.URL.Query()["categories[]"]
	return is("slug", p.Slug) && is("type", p.Type) && (len(categories) == 0 ||
		slices.ContainsFunc(categories, func(given string) bool { return slices.Contains(p.Categories, given) }))
}

func getPlan(c *call) (any, error) {
	all, err := c.catalogue()
	if err != nil {
		return nil, err
	}
	p, err := planNamed(all, c.request.PathValue("plan"))
	if err != nil {
		return nil, errNotFound()
	}
	return planWire(p, all.Sites), nil
}
