package api

import (
	"slices"
	"strings"

	"millwright/internal/metal"
)

// Metro is a city with sites, on the wire. Where it is, only its operators know.
type Metro struct {
	ID   string `json:"id"`
	Code string `json:"code"`
	Name string `json:"name"`
	Href string `json:"href"`
}

// MetroList is all of them.
type MetroList struct {
	Metros []Metro `json:"metros"`
}

func metroWire(code string) Metro {
	id := stableID("metro", code)
	return Metro{ID: id, Code: code, Name: code, Href: link("locations", "metros", id)}
}

// metroCodes are the metros of the sites, each once.
func metroCodes(sites []metal.Site) (codes []string) {
	for _, site := range sites {
		codes = append(codes, site.Metro)
	}
	slices.Sort(codes)
	return slices.Compact(codes)
}

// metroNamed finds the sites of a metro by its code or ID, and refuses what is
// neither. Codes are compared without regard to case, as the clients do.
func metroNamed(all metal.Catalogue, given string) (code string, sites []metal.Site, err error) {
	given = strings.ToLower(given)
	for _, site := range all.Sites {
		if called(given, "metro", site.Metro) {
			code, sites = site.Metro, append(sites, site)
		}
	}
	if len(sites) == 0 {
		return "", nil, noSuch("metro", given, metroCodes(all.Sites))
	}
	return code, sites, nil
}

func (s *server) metroRoutes() []route {
	return []route{
		{path: "/locations/metros", does: "List metros.", out: MetroList{}, handle: listMetros},
		{path: "/locations/metros/{metro}", does: "Get a metro, by ID or code.", out: Metro{}, handle: getMetro},
	}
}

func listMetros(c *call) (any, error) {
	all, err := c.catalogue()
	list := MetroList{[]Metro{}}
	for _, code := range metroCodes(all.Sites) {
		list.Metros = append(list.Metros, metroWire(code))
	}
	return list, err
}

func getMetro(c *call) (any, error) {
	all, err := c.catalogue()
	if err != nil {
		return nil, err
	}
	code, _, err := metroNamed(all, c.request.PathValue("metro"))
	if err != nil {
		return nil, errNotFound()
	}
	return metroWire(code), nil
}
