package api

import (
	"context"
	"errors"
	"math/bits"
	"strings"

	"github.com/google/uuid"

	"millwright/internal/metal"
)

// Reservations is what the store does to projects' reservations.
type Reservations interface {
	ReserveAddresses(ctx context.Context, c metal.Request, w metal.ReservationWish, words metal.Words, atOnce bool) error
	ReleaseAddresses(context.Context, metal.Request, metal.ReservationID) error
	DescribeBlock(ctx context.Context, c metal.Request, id string, words metal.Words) error
	RoomiestSites(ctx context.Context, metro string, family int) ([]metal.SiteID, error)
}

// IPReservationInput is what addresses are reserved with.
type IPReservationInput struct {
	Type                   string `json:"type"`
	Quantity               int    `json:"quantity"` // addresses; of IPv6, /64s
	Metro                  string `json:"metro,omitempty"`
	Facility               string `json:"facility,omitempty"`
	Comments               string `json:"comments,omitempty"`
	FailOnApprovalRequired bool   `json:"fail_on_approval_required,omitempty"`
	VRFID                  string `json:"vrf_id,omitempty"` // refused: there are none
	WordsInput
}

// bitsOf are the longest prefixes that a family is reserved in, and how many of
// them there are in the shortest.
var bitsOf = map[int]struct{ longest, most int }{4: {32, 256}, 6: {64, 1 << 16}}

// wish reads what is wanted, but where.
func (in IPReservationInput) wish() (w metal.ReservationWish, err error) {
	switch in.Type {
	case publicIPv4, globalIPv4:
		w.Family = 4
	case publicIPv6:
		w.Family = 6
	case privateIPv4:
		return w, unprocessable("type: private addresses come with each device, from a block that grows by itself; none are reserved")
	case "":
		return w, unprocessable("type: missing; say %s, %s or %s", publicIPv4, globalIPv4, publicIPv6)
	default:
		return w, unprocessable("type: %q is not to be had here; say %s, %s or %s", in.Type, publicIPv4, globalIPv4, publicIPv6)
	}
	size := bitsOf[w.Family]
	switch {
	case in.VRFID != "":
		return w, unprocessable("vrf_id: there are no VRFs here; leave it out")
	case in.Quantity < 1 || in.Quantity > size.most || in.Quantity&(in.Quantity-1) != 0:
		return w, unprocessable("quantity: %d; ask for a power of two, from 1 to %d (of IPv6, /64s)", in.Quantity, size.most)
	}
	if err := checkText("comments", in.Comments, maxDetails); err != nil {
		return w, err
	}
	w.Bits = size.longest - bits.TrailingZeros(uint(in.Quantity))
	w.Note = in.Comments
	return w, in.check()
}

func reserveAddresses(c *call) (any, error) {
	var in IPReservationInput
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	w, err := in.wish()
	if err != nil {
		return nil, err
	}
	w.ID, w.Project = metal.ReservationID(uuid.NewString()), metal.ProjectID(c.id())
	words := in.over(metal.Words{})
	w.Tags = words.Tags
	sites, err := c.sitesOf(in, w.Family)
	if err != nil {
		return nil, err
	}
	for _, w.Site = range sites {
		err = c.server.Store.ReserveAddresses(c.ctx, c.change(), w, words, in.FailOnApprovalRequired)
		if !errors.Is(err, metal.ErrNoAddress) { // another site of the metro may have room
			break
		}
	}
	switch {
	case errors.Is(err, metal.ErrNoAddress):
		return nil, unprocessable("quantity: no IPv%d /%d is free there; ask for less, or elsewhere", w.Family, w.Bits)
	case err != nil:
		return nil, fieldFirst("quantity", err)
	}
	return c.address(string(w.ID))
}

// sitesOf are where it can be reserved, the best first: at one site, or any of
// one metro; a global address is of none.
func (c *call) sitesOf(in IPReservationInput, family int) ([]metal.SiteID, error) {
	if in.Type == globalIPv4 {
		if in.Metro != "" || in.Facility != "" {
			return nil, unprocessable("metro: a global address is announced everywhere; leave metro and facility out")
		}
		return []metal.SiteID{""}, nil
	}
	all, err := c.catalogue()
	switch {
	case err != nil:
		return nil, err
	case in.Facility != "":
		site, err := facilityNamed(all, in.Facility)
		if err == nil && in.Metro != "" && !called(strings.ToLower(in.Metro), "metro", site.Metro) {
			err = unprocessable("facility: %s is in metro %s; name one of the two", site.ID, site.Metro)
		}
		return []metal.SiteID{site.ID}, err
	case in.Metro == "":
		return nil, unprocessable("metro: missing; say in which metro or facility")
	}
	code, _, err := metroNamed(all, in.Metro)
	if err != nil {
		return nil, err
	}
	return c.server.Store.RoomiestSites(c.ctx, code, family)
}
