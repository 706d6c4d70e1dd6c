package api

import (
	"cmp"
	"encoding/json"
	"net"
	"net/netip"
	"slices"

	"millwright/internal/metal"
)

// IPAssignment is an address of a device on the wire. Clients tell it from a
// reservation by its type alone.
type IPAssignment struct {
	ID            string          `json:"id"`
	Type          string          `json:"type"` // always IPAssignment
	Address       string          `json:"address"`
	AddressFamily int             `json:"address_family"`
	Network       string          `json:"network"`
	Netmask       string          `json:"netmask"`
	CIDR          int             `json:"cidr"`
	Gateway       string          `json:"gateway"`
	Public        bool            `json:"public"`
	Management    bool            `json:"management"` // it came with the device, and goes with it
	Manageable    bool            `json:"manageable"` // it can be unassigned
	Enabled       bool            `json:"enabled"`
	GlobalIP      bool            `json:"global_ip"`
	AssignedTo    href            `json:"assigned_to"`
	ParentBlock   ParentBlock     `json:"parent_block"`
	Metro         *Metro          `json:"metro,omitempty"`
	Details       string          `json:"details,omitempty"`
	Tags          []string        `json:"tags"`
	CustomData    json.RawMessage `json:"customdata"`
	CreatedAt     *string         `json:"created_at"`
	Href          string          `json:"href"`
}

// ParentBlock is what an address was cut from.
type ParentBlock struct {
	Network string `json:"network"`
	Netmask string `json:"netmask"`
	CIDR    int    `json:"cidr"`
	Href    string `json:"href,omitempty"` // a reservation's; pools are the provider's
}

// assignmentWire puts an address of a device as clients expect it. Clients take
// for a device's own address only what has management set.
func assignmentWire(a metal.Assignment) IPAssignment {
	id := assignmentID(a.Prefix, a.Device)
	metro := metroWire(a.Metro)
	return IPAssignment{
		ID: id, Type: "IPAssignment", Href: link("ips", id), AssignedTo: href{link("devices", string(a.Device))},
		Address: a.Machine().String(), AddressFamily: familyOf(a.Prefix), Network: a.Prefix.Addr().String(),
		Netmask: netmask(a.Prefix), CIDR: a.Prefix.Bits(), Gateway: gateway(a.Lease).String(),
		Public: a.Role != metal.Private, Management: !a.Elastic, Manageable: a.Elastic, Enabled: true,
		GlobalIP: a.Role == metal.Anycast, ParentBlock: blockWire(a), Metro: &metro,
		Details: a.Details, Tags: append([]string{}, a.Tags...), CustomData: objectOf(a.CustomData), CreatedAt: stamp(a.Since),
	}
}

// assignmentsWire puts a device's addresses in the order that configurations of
// Terraform count on, network.0 being where people log in: public IPv4, public
// IPv6, private IPv4, and in each what came with the device before what was
// assigned to it.
func assignmentsWire(all []metal.Assignment) []IPAssignment {
	sorted := slices.SortedStableFunc(slices.Values(all), func(a, b metal.Assignment) int {
		return cmp.Or(cmp.Compare(rankOf(a), rankOf(b)), a.Prefix.Compare(b.Prefix))
	})
	list := make([]IPAssignment, len(sorted))
	for i, a := range sorted {
		list[i] = assignmentWire(a)
	}
	return list
}

// rankOf is where an address stands among a device's.
func rankOf(a metal.Assignment) (n int) {
	switch {
	case a.Role == metal.Private:
		n = 4
	case a.Prefix.Addr().Is6():
		n = 2
	}
	if a.Elastic {
		n++
	}
	return n
}

// gateway is the switch's end of a link; what is routed to a machine has none
// but itself.
func gateway(l metal.Lease) netip.Addr {
	if l.Elastic || l.Prefix.IsSingleIP() {
		return l.Prefix.Addr()
	}
	return l.Link().Switch()
}

func blockWire(a metal.Assignment) ParentBlock {
	if !a.Block.IsValid() {
		a.Block = a.Prefix
	}
	block := ParentBlock{Network: a.Block.Addr().String(), Netmask: netmask(a.Block), CIDR: a.Block.Bits()}
	switch {
	case a.Reservation != "":
		block.Href = link("ips", a.Reservation)
	case a.Own:
		block.Href = link("ips", blockID(a.Block))
	}
	return block
}

func familyOf(p netip.Prefix) int {
	if p.Addr().Is4() {
		return 4
	}
	return 6
}

func netmask(p netip.Prefix) string {
	mask := net.CIDRMask(p.Bits(), p.Addr().BitLen())
	addr, _ := netip.AddrFromSlice(mask) // 4 or 16 bytes, always
	return addr.String()
}

// objectOf is a tenant's own JSON object: never null, on which clients choke.
func objectOf(raw json.RawMessage) json.RawMessage {
	if len(raw) == 0 {
		return json.RawMessage("{}")
	}
	return raw
}
