package api

import (
	"millwright/internal/access"
	"millwright/internal/metal"
)

// OperatingSystem is an installable system on the wire.
type OperatingSystem struct {
	ID              string         `json:"id"`
	Slug            string         `json:"slug"`
	Name            string         `json:"name"`
	Distro          string         `json:"distro"`
	DistroLabel     string         `json:"distro_label"`
	Version         string         `json:"version"`
	ProvisionableOn []metal.PlanID `json:"provisionable_on"`
	Preinstallable  bool           `json:"preinstallable"`
	Licensed        bool           `json:"licensed"`
	Pricing         struct{}       `json:"pricing"`
	Href            string         `json:"href"`
}

// OperatingSystemList is all of them.
type OperatingSystemList struct {
	OperatingSystems []OperatingSystem `json:"operating_systems"`
}

func systemWire(o metal.OfferedSystem) OperatingSystem {
	id := stableID("operating system", string(o.ID))
	return OperatingSystem{
		ID: id, Slug: string(o.ID), Name: o.Name, Distro: o.Distro, DistroLabel: o.Distro, Version: o.Version,
		ProvisionableOn: o.Plans, Href: link("operating-systems", id),
	}
}

// systemNamed finds a system by its slug or ID, and refuses what is neither.
func systemNamed(all metal.Catalogue, given string) (metal.OfferedSystem, error) {
	var slugs []string
	for _, o := range all.Systems {
		if called(given, "operating system", string(o.ID)) {
			return o, nil
		}
		if o.Offered() {
			slugs = append(slugs, string(o.ID))
		}
	}
	return metal.OfferedSystem{}, noSuch("operating_system", given, slugs)
}

func (s *server) systemRoutes() []route {
	return []route{
		{path: "/operating-systems", does: "List operating systems.", out: OperatingSystemList{}, handle: listSystems},
		{path: "/operating-systems/{system}", does: "Get an operating system, by ID or slug.", out: OperatingSystem{}, handle: getSystem},
		{path: "/operating-system-versions", does: "List operating systems, by the name that Packet had for it.", out: OperatingSystemList{}, handle: listSystems},
		{path: "/organizations/{id}/operating-systems", kind: access.Organization, does: "List the operating systems that an organization's projects can order.", out: OperatingSystemList{}, handle: listSystems},
	}
}

func listSystems(c *call) (any, error) {
	all, err := c.catalogue()
	list := OperatingSystemList{[]OperatingSystem{}}
	for _, o := range all.Systems {
		if o.Offered() {
			list.OperatingSystems = append(list.OperatingSystems, systemWire(o))
		}
	}
	return list, err
}

func getSystem(c *call) (any, error) {
	all, err := c.catalogue()
	if err != nil {
		return nil, err
	}
	o, err := systemNamed(all, c.request.PathValue("system"))
	if err != nil {
		return nil, errNotFound()
	}
	return systemWire(o), nil
}
