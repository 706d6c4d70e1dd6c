package api

import (
	"slices"
	"strings"

	"millwright/internal/metal"
)

// DeviceList is a page of devices.
type DeviceList struct {
	Devices []Device `json:"devices"`
	Meta    meta     `json:"meta"`
}

func listDevices(c *call) (any, error) {
	filter, err := c.deviceFilter()
	if err != nil {
		return nil, err
	}
	page, err := c.page()
	if err != nil {
		return nil, err
	}
	views, total, err := c.server.Store.FindDevices(c.ctx, filter, page)
	if err != nil {
		return nil, err
	}
	devices, err := c.deviceWires(views)
	return DeviceList{devices, c.meta(page, total)}, err
}

// deviceFilter reads what a list of devices is narrowed to. What asks for a
// place or a kind that is not there finds nothing.
func (c *call) deviceFilter() (f metal.DeviceFilter, err error) {
	f = metal.DeviceFilter{
		Search: c.query("search"), Hostname: c.query("hostname"), Tag: c.query("tag"), State: c.query("state"),
		MAC: strings.ToLower(c.query("mac_address")), Sort: c.query("sort_by"), Descending: strings.EqualFold(c.query("sort_direction"), "desc"),
	}
	if f.Project = c.scope.Project; f.Project == "" {
		f.Organization = c.scope.Organization
	}
	if f.Reserved, err = c.flag("reserved"); err != nil {
		return f, err
	}
	if f.Terminates, err = c.flag("has_termination_time"); err != nil {
		return f, err
	}
	if err := byType(&f, c.query("type")); err != nil {
		return f, err
	}
	return f, c.byPlace(&f)
}

// byType heeds the clients' types of devices; spot ones there are none.
func byType(f *metal.DeviceFilter, given string) error {
	reserved := given == "reserved"
	switch given {
	case "":
	case "reserved", "on_demand", "on-demand":
		f.Reserved = &reserved
	case "spot":
		f.Sites = []metal.SiteID{}
	default:
		return unprocessable("type: %q is none of on_demand, reserved, spot", given)
	}
	return nil
}

func (c *call) byPlace(f *metal.DeviceFilter) error {
	metros, facilities := c.several("metro"), c.several("facility")
	if len(metros)+len(facilities) == 0 {
		return nil
	}
	all, err := c.catalogue()
	if err != nil {
		return err
	}
	within := func(given []string, kind, code string) bool {
		return len(given) == 0 || slices.ContainsFunc(given, func(g string) bool { return called(strings.ToLower(g), kind, code) })
	}
	f.Sites = []metal.SiteID{}
	for _, site := range all.Sites {
		if within(metros, "metro", site.Metro) && within(facilities, "facility", string(site.ID)) {
			f.Sites = append(f.Sites, site.ID)
		}
	}
	return nil
}

// several is a parameter that can be given more than once, or with commas.
func (c *call) several(name string) (all []string) {
	for _, value := range c.request.URL.Query()[name] {
		for one := range strings.SplitSeq(value, ",") {
			if one = strings.TrimSpace(one); one != "" {
				all = append(all, one)
			}
		}
	}
	return all
}

// flag is a parameter that is true, false, or was not given.
func (c *call) flag(name string) (*bool, error) {
	yes := false
	switch strings.ToLower(c.query(name)) {
	case "":
		return nil, nil
	case "true", "1":
		yes = true
	case "false", "0":
	default:
		return nil, unprocessable("%s: %q is neither true nor false", name, c.query(name))
	}
	return &yes, nil
}
