package api

import (
	"context"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"millwright/internal/access"
	"millwright/internal/metal"
)

// Addresses is what the store knows of projects' addresses. Reservations,
// projects' own blocks and devices' addresses share one space of IDs.
type Addresses interface {
	ProjectBlocks(context.Context, metal.ProjectID) ([]metal.ProjectBlock, error)
	ProjectBlock(ctx context.Context, id string) (metal.ProjectBlock, error)
	Address(ctx context.Context, id string) (metal.Assignment, error)
	AddressesOf(context.Context, metal.DeviceID) ([]metal.Assignment, error)
	ElasticOf(context.Context, metal.ProjectID) ([]metal.Assignment, error)
	FreeIn(ctx context.Context, block netip.Prefix, bits, most int) ([]netip.Prefix, error)
}

func (s *server) ipRoutes() []route {
	return []route{
		{http.MethodGet, "/projects/{id}/ips", access.See, access.Address, http.StatusOK, "List a project's reservations, and the blocks that its devices' own addresses are of.", nil, IPReservationList{}, listAddresses},
		{http.MethodPost, "/projects/{id}/ips", access.Create, access.Address, http.StatusCreated, "Reserve elastic addresses.", IPReservationInput{}, IPReservation{}, reserveAddresses},
		{http.MethodGet, "/ips/{id}", access.See, access.Address, http.StatusOK, "Get a reservation, or a device's address.", nil, anyOf{IPReservation{}, IPAssignment{}}, getAddress},
		{http.MethodPatch, "/ips/{id}", access.Alter, access.Address, http.StatusOK, "Say other things of a reservation, or of a device's address.", WordsInput{}, anyOf{IPReservation{}, IPAssignment{}}, describeAddress},
		{http.MethodDelete, "/ips/{id}", access.Delete, access.Address, http.StatusNoContent, "Release a reservation that no device uses, or unassign an address.", nil, nil, deleteAddress},
		{http.MethodGet, "/ips/{id}/available", access.See, access.Address, http.StatusOK, "List what of a reservation is free, in prefixes of one length.", nil, IPAvailable{}, listAvailable},
		{http.MethodGet, "/ips/{id}/customdata", access.See, access.Address, http.StatusOK, "Get the custom data of a reservation, or of a device's address.", nil, map[string]any{}, getAddressData},
		{http.MethodGet, "/devices/{id}/ips", access.See, access.Address, http.StatusOK, "List a device's addresses.", nil, IPAssignmentList{}, listDeviceAddresses},
		{http.MethodPost, "/devices/{id}/ips", access.Create, access.Address, http.StatusCreated, "Assign a reserved address or prefix to a device.", IPAssignmentInput{}, IPAssignment{}, assignAddress},
	}
}

func listAddresses(c *call) (any, error) {
	p, err := c.page()
	if err != nil {
		return nil, err
	}
	project := metal.ProjectID(c.id())
	blocks, err := c.server.Store.ProjectBlocks(c.ctx, project)
	if err != nil {
		return nil, err
	}
	assigned, err := c.server.Store.ElasticOf(c.ctx, project)
	if err != nil {
		return nil, err
	}
	blocks = slices.DeleteFunc(blocks, func(b metal.ProjectBlock) bool { return !c.wantsBlock(b) })
	list := IPReservationList{Addresses: []IPReservation{}, Meta: c.meta(p, len(blocks))}
	for _, b := range blocks[min(p.Offset, len(blocks)):min(p.Offset+p.Limit, len(blocks))] {
		list.Addresses = append(list.Addresses, reservationWire(b, assigned))
	}
	return list, nil
}

// wantsBlock heeds the filters. Lists of types come comma-separated or repeated.
func (c *call) wantsBlock(b metal.ProjectBlock) bool {
	q := c.request.URL.Query()
	types := strings.FieldsFunc(strings.Join(append(q["types"], q["types[]"]...), ","), func(r rune) bool { return r == ',' })
	metro, facility := strings.ToLower(c.query("metro")), c.query("facility")
	return (len(types) == 0 || slices.Contains(types, blockType(b))) &&
		(metro == "" || called(metro, "metro", b.Metro)) &&
		(facility == "" || called(facility, "facility", string(b.Site)))
}

func getAddress(c *call) (any, error) { return c.address(c.id()) }

// address is a reservation, a block of a project's own, or what a device has.
func (c *call) address(id string) (any, error) {
	b, err := c.server.Store.ProjectBlock(c.ctx, id)
	if isNotFound(err) {
		a, err := c.server.Store.Address(c.ctx, id)
		return assignmentWire(a), err
	}
	if err != nil {
		return nil, err
	}
	assigned, err := c.server.Store.ElasticOf(c.ctx, b.Project)
	return reservationWire(b, assigned), err
}

func getAddressData(c *call) (any, error) {
	b, err := c.server.Store.ProjectBlock(c.ctx, c.id())
	if isNotFound(err) {
		a, err := c.server.Store.Address(c.ctx, c.id())
		return objectOf(a.CustomData), err
	}
	return objectOf(b.CustomData), err
}

// mostAvailable bounds the answer: an IPv6 /56 has more /127 than anybody reads.
const mostAvailable = 1024

// listAvailable takes the length from the URL or, as packngo sends it, from a
// body.
func listAvailable(c *call) (any, error) {
	var in struct {
		CIDR int `json:"cidr"`
	}
	if given := c.query("cidr"); given != "" {
		n, err := strconv.Atoi(given)
		if err != nil {
			return nil, unprocessable("cidr: %q is no length of a prefix", given)
		}
		in.CIDR = n
	} else if err := c.decode(&in); err != nil {
		return nil, err
	}
	b, err := c.server.Store.ProjectBlock(c.ctx, c.id())
	switch {
	case isNotFound(err):
		return nil, unprocessable("id: this is an address of a device; ask for what is free of a reservation")
	case err != nil:
		return nil, err
	case in.CIDR < b.Bits || in.CIDR > widest(b.Family):
		return nil, unprocessable("cidr: /%d; this reservation has prefixes of /%d to /%d", in.CIDR, b.Bits, widest(b.Family))
	}
	list := IPAvailable{[]string{}}
	if b.Own || !b.Prefix.IsValid() {
		return list, nil // nothing in it is there to be assigned
	}
	free, err := c.server.Store.FreeIn(c.ctx, b.Prefix, in.CIDR, mostAvailable)
	for _, p := range free {
		list.Available = append(list.Available, p.String())
	}
	return list, err
}

func widest(family int) int {
	if family == 4 {
		return 32
	}
	return 128
}

func listDeviceAddresses(c *call) (any, error) {
	all, err := c.server.Store.AddressesOf(c.ctx, metal.DeviceID(c.id()))
	return IPAssignmentList{assignmentsWire(all)}, err
}
