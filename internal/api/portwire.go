package api

import (
	"strconv"

	"millwright/internal/metal"
)

// Port is a network port of a device's machine: its bond, or a NIC in it.
type Port struct {
	ID                        string     `json:"id"`
	Href                      string     `json:"href"`
	Type                      string     `json:"type"`
	Name                      string     `json:"name"`
	Data                      PortData   `json:"data"`
	Bond                      *PortBond  `json:"bond,omitempty"`
	NetworkType               string     `json:"network_type"`
	VirtualNetworks           []struct{} `json:"virtual_networks"`
	DisbondOperationSupported bool       `json:"disbond_operation_supported"`
}

// PortData is what a port is like; a bond has no MAC of its own.
type PortData struct {
	MAC    string `json:"mac,omitempty"`
	Bonded bool   `json:"bonded"`
}

// PortBond names the bond that a NIC is in.
type PortBond struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// networkPorts are a device's ports as its answers list them: bond0, and the
// NICs in it, eth0 first. A machine with one NIC has a bond too: clients look
// there for a device's network.
func networkPorts(nics []metal.NIC) []Port {
	if len(nics) == 0 {
		return []Port{}
	}
	bond := PortBond{ID: stableID("bond", string(nics[0].Machine)), Name: "bond0"}
	ports := []Port{layer3(Port{ID: bond.ID, Type: "NetworkBondPort", Name: bond.Name, Data: PortData{Bonded: true}})}
	for _, nic := range nics {
		ports = append(ports, layer3(Port{
			ID: stableID("port", nic.MAC), Type: "NetworkPort", Name: "eth" + strconv.Itoa(nic.Position),
			Data: PortData{MAC: nic.MAC, Bonded: true}, Bond: &bond,
		}))
	}
	return ports
}

// layer3 is what every port is, always: routed, in no VLAN.
func layer3(p Port) Port {
	p.Href, p.NetworkType, p.VirtualNetworks = link("ports", p.ID), "layer3", []struct{}{}
	return p
}
