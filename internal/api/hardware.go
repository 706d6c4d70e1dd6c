package api

import (
	"context"
	"net/http"
	"strings"

	"millwright/internal/access"
	"millwright/internal/metal"
)

// Hardware is what the store knows of machines that are kept for a project.
type Hardware interface {
	HardwareReservations(context.Context, metal.ProjectID) ([]metal.HardwareReservation, error)
	HardwareReservation(context.Context, metal.HardwareReservationID) (metal.HardwareReservation, error)
	MoveHardware(context.Context, metal.Request, metal.HardwareReservationID, metal.ProjectID) error
}

// HardwareReservation is a machine that is kept for a project. Which one it is,
// tenants are not told; that two hang on one switch, they are.
type HardwareReservation struct {
	ID            string   `json:"id"`
	ShortID       string   `json:"short_id"`
	Href          string   `json:"href"`
	Project       href     `json:"project"`
	Device        *href    `json:"device,omitempty"`
	Plan          Plan     `json:"plan"`
	Facility      Facility `json:"facility"`
	Metro         Metro    `json:"metro"`
	Provisionable bool     `json:"provisionable"`
	NeedOfService bool     `json:"need_of_service"`
	Spare         bool     `json:"spare"` // never: there are none that wait to be activated
	SwitchUUID    string   `json:"switch_uuid"`
	CreatedAt     *string  `json:"created_at"`
}

// HardwareReservationList is one page of a project's.
type HardwareReservationList struct {
	HardwareReservations []HardwareReservation `json:"hardware_reservations"`
	Meta                 meta                  `json:"meta"`
}

// HardwareMove says where a reservation should go.
type HardwareMove struct {
	ProjectID string `json:"project_id"`
}

func (s *server) hardwareRoutes() []route {
	return []route{
		{
			method: http.MethodGet, path: "/projects/{id}/hardware-reservations", verb: access.See, kind: access.Hardware, code: http.StatusOK,
			does: "List the machines that are kept for a project.", out: HardwareReservationList{}, handle: listHardware,
		},
		{
			method: http.MethodGet, path: "/hardware-reservations/{id}", verb: access.See, kind: access.Hardware, code: http.StatusOK,
			does: "Get a hardware reservation.", out: HardwareReservation{}, handle: getHardware,
		},
		{
			method: http.MethodPost, path: "/hardware-reservations/{id}/move", verb: access.Alter, kind: access.Hardware, code: http.StatusCreated,
			does: "Give a hardware reservation to another project.", in: HardwareMove{}, out: HardwareReservation{}, handle: moveHardware,
		},
		{
			method: http.MethodPost, path: "/hardware-reservations/{id}/activate", verb: access.Alter, kind: access.Hardware, code: http.StatusCreated,
			does: "Refused: no reservation is a spare that waits to be activated.", out: HardwareReservation{}, handle: activateHardware,
		},
	}
}

func hardwareWire(r metal.HardwareReservation, all metal.Catalogue) (HardwareReservation, error) {
	plan, err := planNamed(all, string(r.Plan))
	if err != nil {
		return HardwareReservation{}, err
	}
	site, err := facilityNamed(all, string(r.Site))
	if err != nil {
		return HardwareReservation{}, err
	}
	w := HardwareReservation{
		ID: string(r.ID), ShortID: string(r.ID[:8]), Href: link("hardware-reservations", string(r.ID)),
		Project: href{link("projects", string(r.Project))}, Plan: planWire(plan, all.Sites),
		Facility: facilityWire(site), Metro: metroWire(site.Metro),
		Provisionable: r.Provisionable(), NeedOfService: r.State == metal.Quarantined,
		SwitchUUID: stableID("switch", string(r.Switch)), CreatedAt: stamp(r.Made),
	}
	if r.Device != "" {
		w.Device = &href{link("devices", string(r.Device))}
	}
	return w, nil
}

func listHardware(c *call) (any, error) {
	page, err := c.page()
	if err != nil {
		return nil, err
	}
	found, err := c.server.Store.HardwareReservations(c.ctx, c.scope.Project)
	if err != nil {
		return nil, err
	}
	all, err := c.catalogue()
	if err != nil {
		return nil, err
	}
	list := HardwareReservationList{HardwareReservations: []HardwareReservation{}}
	total := 0
	for _, r := range found {
		w, err := hardwareWire(r, all)
		if err != nil {
			return nil, err
		}
		if !c.wantsHardware(w, r.Hostname) {
			continue
		}
		if total++; total > page.Offset && len(list.HardwareReservations) < page.Limit {
			list.HardwareReservations = append(list.HardwareReservations, w)
		}
	}
	list.Meta = c.meta(page, total)
	return list, nil
}

// wantsHardware heeds the filters: provisionable=only, state, and query, which
// looks through place, plan, short ID and the device's host name.
func (c *call) wantsHardware(w HardwareReservation, hostname string) bool {
	if c.query("provisionable") == "only" && !w.Provisionable {
		return false
	}
	switch c.query("state") {
	case "active":
		if w.NeedOfService {
			return false
		}
	case "need_of_service":
		if !w.NeedOfService {
			return false
		}
	case "spare":
		return false
	}
	words := strings.ToLower(strings.Join([]string{w.Facility.Code, w.Metro.Code, w.Plan.Slug, w.ShortID, hostname}, "\n"))
	return strings.Contains(words, strings.ToLower(c.query("query")))
}

func getHardware(c *call) (any, error) {
	r, err := c.server.Store.HardwareReservation(c.ctx, metal.HardwareReservationID(c.id()))
	if err != nil {
		return nil, err
	}
	all, err := c.catalogue()
	if err != nil {
		return nil, err
	}
	return hardwareWire(r, all)
}

// moveHardware asks for the right in both projects: where the machine is taken
// from, as for every route, and where it goes.
func moveHardware(c *call) (any, error) {
	var want HardwareMove
	if err := c.decode(&want); err != nil {
		return nil, err
	}
	if want.ProjectID == "" {
		return nil, unprocessable("project_id: missing; say which project gets it")
	}
	noProject := unprocessable("project_id: you have no project %q", want.ProjectID)
	to, err := c.server.Store.Whereabouts(c.ctx, "projects", want.ProjectID)
	if err != nil {
		return nil, orIfAbsent(err, noProject)
	}
	if err := c.allowed(to, access.Alter, access.Hardware); err != nil {
		return nil, orIfAbsent(err, noProject)
	}
	if err := c.server.Store.MoveHardware(c.ctx, c.change(), metal.HardwareReservationID(c.id()), to.Project); err != nil {
		return nil, err
	}
	return getHardware(c)
}

// orIfAbsent says something else where the error is that a thing is not there,
// or not for this caller.
func orIfAbsent(err, instead error) error {
	if refusalOf(err).code == http.StatusNotFound {
		return instead
	}
	return err
}

func activateHardware(*call) (any, error) {
	return nil, unprocessable("spare: no hardware reservation is a spare; each has its machine, and can be ordered onto as it is")
}
