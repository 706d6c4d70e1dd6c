package api

import (
	"encoding/json"
	"net/netip"

	"millwright/internal/metal"
)

// IPReservation is a block of a project on the wire. equinix-sdk-go refuses any
// field here that Packet's API had not: none can be added.
type IPReservation struct {
	ID            string          `json:"id"`
	Type          string          `json:"type"` // by which clients tell it from an assignment
	Href          string          `json:"href"`
	State         string          `json:"state"`
	AddressFamily int             `json:"address_family"`
	Address       string          `json:"address,omitempty"` // this and the next two once it has some
	Network       string          `json:"network,omitempty"`
	Netmask       string          `json:"netmask,omitempty"`
	CIDR          int             `json:"cidr"`
	Public        bool            `json:"public"`
	GlobalIP      bool            `json:"global_ip"`
	Management    bool            `json:"management"` // for devices' own addresses, and gone with the last of them
	Manageable    bool            `json:"manageable"`
	Addon         bool            `json:"addon"`
	Bill          bool            `json:"bill"`
	Enabled       bool            `json:"enabled"`
	Assignments   []IPAssignment  `json:"assignments,omitzero"` // of a reservation; whole, because who asks without include reads them too
	Metro         *Metro          `json:"metro,omitempty"`
	Facility      *Facility       `json:"facility,omitempty"`
	Project       href            `json:"project"`
	ProjectLite   href            `json:"project_lite"`
	Details       string          `json:"details,omitempty"`
	Tags          []string        `json:"tags"`
	CustomData    json.RawMessage `json:"customdata"`
	CreatedAt     *string         `json:"created_at"`
}

// IPReservationList is a page of a project's blocks.
type IPReservationList struct {
	Addresses []IPReservation `json:"ip_addresses"`
	Meta      meta            `json:"meta"`
}

// IPAssignmentList is what a device has.
type IPAssignmentList struct {
	Addresses []IPAssignment `json:"ip_addresses"`
}

// IPAvailable is what of a reservation is free.
type IPAvailable struct {
	Available []string `json:"available"`
}

// WordsInput is what a tenant can say of an address. What is left out stays.
type WordsInput struct {
	Details    *string   `json:"details,omitempty"`
	Tags       *[]string `json:"tags,omitempty"`
	CustomData object    `json:"customdata,omitempty"`
}

func (in WordsInput) check() error {
	if in.Tags != nil {
		if err := checkTags(*in.Tags); err != nil {
			return err
		}
	}
	if in.Details == nil {
		return nil
	}
	return checkText("details", *in.Details, maxDetails)
}

const maxDetails = 500 // characters

// over puts what was said over what stood there.
func (in WordsInput) over(was metal.Words) metal.Words {
	if in.Details != nil {
		was.Details = *in.Details
	}
	if in.Tags != nil {
		was.Tags = *in.Tags
	}
	if len(in.CustomData) > 0 {
		was.CustomData = json.RawMessage(in.CustomData)
	}
	return was
}

// Types of reservations.
const (
	publicIPv4  = "public_ipv4"
	privateIPv4 = "private_ipv4"
	globalIPv4  = "global_ipv4"
	publicIPv6  = "public_ipv6"
)

// blockType is one of the words above. The API has none for anycast of IPv6,
// which only operators reserve.
func blockType(b metal.ProjectBlock) string {
	switch {
	case b.Family == 6:
		return publicIPv6
	case b.Role == metal.Anycast:
		return globalIPv4
	case b.Role == metal.Private:
		return privateIPv4
	}
	return publicIPv4
}

// reservationWire puts a block as clients expect it, with what of it devices
// have.
func reservationWire(b metal.ProjectBlock, assigned []metal.Assignment) IPReservation {
	project := href{link("projects", string(b.Project))}
	r := IPReservation{
		ID: b.ID, Type: blockType(b), Href: link("ips", b.ID), State: string(b.State), AddressFamily: b.Family, CIDR: b.Bits,
		Public: b.Role != metal.Private, GlobalIP: b.Role == metal.Anycast, Management: b.Own, Manageable: !b.Own, Addon: !b.Own, Bill: !b.Own,
		Enabled: b.State == metal.ReservationCreated, Project: project, ProjectLite: project,
		Details: b.Details, Tags: append([]string{}, b.Tags...), CustomData: objectOf(b.CustomData), CreatedAt: stamp(b.Since),
	}
	if b.Prefix.IsValid() {
		r.Address, r.Network, r.Netmask = b.Prefix.Addr().String(), b.Prefix.Addr().String(), netmask(b.Prefix)
	}
	if b.Site != "" {
		facility := facilityWire(metal.Site{ID: b.Site, Metro: b.Metro})
		r.Facility, r.Metro = &facility, &facility.Metro
	}
	if !b.Own {
		r.Assignments = []IPAssignment{}
	}
	for _, a := range assigned {
		if a.Reservation == b.ID {
			r.Assignments = append(r.Assignments, assignmentWire(a))
		}
	}
	return r
}

// piece reads an address or prefix as people write it: one address is the prefix
// of its whole length.
func piece(field, text string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(text); err == nil && addr.Zone() == "" && !addr.Is4In6() {
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	p, err := netip.ParsePrefix(text)
	switch {
	case err != nil || p.Addr().Is4In6():
		return p, unprocessable("%s: %q is no address or prefix; write 192.0.2.1 or 192.0.2.0/30", field, text)
	case p != p.Masked():
		return p, unprocessable("%s: %s has bits set behind its length; did you mean %s, or %s/%d?", field, text, p.Masked(), p.Addr(), p.Addr().BitLen())
	}
	return p, nil
}
