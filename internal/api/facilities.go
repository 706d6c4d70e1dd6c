package api

import (
	"millwright/internal/access"
	"millwright/internal/metal"
)

// Facility is a site on the wire.
type Facility struct {
	ID       string   `json:"id"`
	Code     string   `json:"code"`
	Name     string   `json:"name"`
	Features []string `json:"features"`
	Metro    Metro    `json:"metro"`
	Href     string   `json:"href"`
}

// FacilityList is all of them.
type FacilityList struct {
	Facilities []Facility `json:"facilities"`
}

// facilityFeatures are what Millwright has of the words that the SDK knows: any
// other would break its decoding.
var facilityFeatures = []string{"baremetal"}

func facilityWire(s metal.Site) Facility {
	id := stableID("facility", string(s.ID))
	return Facility{
		ID: id, Code: string(s.ID), Name: string(s.ID), Features: facilityFeatures,
		Metro: metroWire(s.Metro), Href: link("facilities", id),
	}
}

// facilityNamed finds a site by its code or ID, and refuses what is neither.
func facilityNamed(all metal.Catalogue, given string) (metal.Site, error) {
	var codes []string
	for _, site := range all.Sites {
		if called(given, "facility", string(site.ID)) {
			return site, nil
		}
		codes = append(codes, string(site.ID))
	}
	return metal.Site{}, noSuch("facility", given, codes)
}

func (s *server) facilityRoutes() []route {
	return []route{
		{path: "/facilities", does: "List sites.", out: FacilityList{}, handle: listFacilities},
		{path: "/facilities/{facility}", does: "Get a site, by ID or code.", out: Facility{}, handle: getFacility},
		{path: "/projects/{id}/facilities", kind: access.Project, does: "List the sites that a project can order at.", out: FacilityList{}, handle: listFacilities},
		{path: "/organizations/{id}/facilities", kind: access.Organization, does: "List the sites that an organization's projects can order at.", out: FacilityList{}, handle: listFacilities},
	}
}

func listFacilities(c *call) (any, error) {
	all, err := c.catalogue()
	list := FacilityList{[]Facility{}}
	for _, site := range all.Sites {
		list.Facilities = append(list.Facilities, facilityWire(site))
	}
	return list, err
}

func getFacility(c *call) (any, error) {
	all, err := c.catalogue()
	if err != nil {
		return nil, err
	}
	site, err := facilityNamed(all, c.request.PathValue("facility"))
	if err != nil {
		return nil, errNotFound()
	}
	return facilityWire(site), nil
}
