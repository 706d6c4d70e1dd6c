package inventory

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"
)

// LLDPWait is a little more than the 30 s after which a neighbour speaks again
// (IEEE 802.1AB-2016, 9.2.5.7: msgTxInterval).
const LLDPWait = 35 * time.Second

// Neighbour is who speaks LLDP at the other end of a cable.
type Neighbour struct {
	Chassis     string `json:"chassis"` // a MAC address, or what the switch calls itself
	Port        string `json:"port"`
	Description string `json:"port_description,omitempty"`
	System      string `json:"system,omitempty"`
	Software    string `json:"software,omitempty"`
	Management  string `json:"management,omitempty"` // an address
	VLAN        int    `json:"vlan,omitempty"`       // of untagged frames
}

// The types of TLVs (IEEE 802.1AB-2016, table 8-1).
const (
	tlvEnd         = 0
	tlvChassis     = 1
	tlvPort        = 2
	tlvTTL         = 3
	tlvDescription = 4
	tlvSystem      = 5
	tlvSoftware    = 6
	tlvManagement  = 8
	tlvSpecific    = 127
)

var (
	errNotLLDP = errors.New("not an LLDP frame")
	errSilent  = errors.New("nobody speaks") // though there is a carrier
)

// parseLLDP reads what follows the Ethernet header. Of a frame that breaks off,
// nothing is believed; of TLVs that it does not know, nothing is said.
func parseLLDP(b []byte) (Neighbour, error) {
	var n Neighbour
	for i := 0; ; i++ {
		if len(b) < 2 {
			return Neighbour{}, fmt.Errorf("%w: no end", errNotLLDP)
		}
		header := binary.BigEndian.Uint16(b)
		kind, size := int(header>>9), int(header&0x1ff)
		if len(b) < 2+size {
			return Neighbour{}, fmt.Errorf("%w: type %d has %d bytes, and %d are left", errNotLLDP, kind, size, len(b)-2)
		}
		// The first three are fixed: chassis, port, time to live.
		if i < 3 && kind != i+1 {
			return Neighbour{}, fmt.Errorf("%w: type %d at place %d", errNotLLDP, kind, i+1)
		}
		if kind == tlvEnd {
			return n, nil
		}
		if err := n.take(kind, b[2:2+size]); err != nil {
			return Neighbour{}, err
		}
		b = b[2+size:]
	}
}

func (n *Neighbour) take(kind int, value []byte) error {
	switch kind {
	case tlvChassis, tlvPort:
		if len(value) < 2 {
			return fmt.Errorf("%w: type %d without an ID", errNotLLDP, kind)
		}
		if kind == tlvChassis {
			n.Chassis = identity(value, 4, 5)
		} else {
			n.Port = identity(value, 3, 4)
		}
	case tlvTTL:
		if len(value) < 2 {
			return fmt.Errorf("%w: time to live of %d bytes", errNotLLDP, len(value))
		}
	case tlvDescription:
		n.Description = clip(string(value))
	case tlvSystem:
		n.System = clip(string(value))
	case tlvSoftware:
		n.Software = clip(string(value))
	case tlvManagement:
		if n.Management == "" && len(value) >= 2 {
			n.Management = address(value[1:min(len(value), 1+int(value[0]))])
		}
	case tlvSpecific: // 00-80-C2 subtype 1 is the port's VLAN (802.1Q annex D)
		if len(value) == 6 && value[0] == 0 && value[1] == 0x80 && value[2] == 0xc2 && value[3] == 1 {
			n.VLAN = int(binary.BigEndian.Uint16(value[4:]))
		}
	}
	return nil
}

// identity is a chassis or port ID: its subtype says whether it is a MAC
// address, a network address, or text.
func identity(value []byte, mac, network byte) string {
	kind, id := value[0], value[1:]
	switch {
	case kind == mac && len(id) == 6:
		return net.HardwareAddr(id).String()
	case kind == network:
		if text := address(id); text != "" {
			return text
		}
	}
	return clip(string(id))
}

// address has the IANA's number of its family first: 1 is IPv4, 2 is IPv6.
func address(value []byte) string {
	if len(value) < 2 || value[0] != 1 && value[0] != 2 {
		return ""
	}
	addr, ok := netip.AddrFromSlice(value[1:])
	if !ok || addr.Is4() != (value[0] == 1) {
		return ""
	}
	return addr.String()
}

// deafFirmware are drivers of cards whose firmware answers LLDP by itself, and
// keeps it from the system until told otherwise.
var deafFirmware = map[string]string{
	"i40e": "ethtool --set-priv-flags %s disable-fw-lldp on", // X710, XL710: driver 2.8.10 and later
	"ice":  "ethtool --set-priv-flags %s fw-lldp-agent off",  // E810
}

// AddNeighbours listens on every NIC at once, for as long as wait at most, and
// returns as soon as all that have a carrier have heard somebody. Links that are
// down are brought up, because nothing is heard on them otherwise; that is the
// one thing in the machine that this package changes.
func AddNeighbours(ctx context.Context, found *Inventory, wait time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	r := &reader{found: *found}
	var group sync.WaitGroup
	for i := range r.found.NICs {
		nic := &r.found.NICs[i]
		group.Go(func() {
			neighbour, err := hear(ctx, nic.Name)
			nic.Carrier = nic.Carrier || err == nil || errors.Is(err, errSilent)
			switch {
			case err == nil:
				nic.Neighbour = &neighbour
			case deafFirmware[nic.Driver] != "":
				r.note("LLDP on %s: %v; its firmware may keep it: "+deafFirmware[nic.Driver], nic.Name, err, nic.Name)
			default:
				r.note("LLDP on %s: %v", nic.Name, err)
			}
		})
	}
	group.Wait()
	r.bound()
	*found = r.found
}
