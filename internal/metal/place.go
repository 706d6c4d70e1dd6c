package metal

import (
	"fmt"
	"strings"
)

// Identifiers are typed so that the compiler refuses a machine where a device
// is wanted. All but DeviceID and OrderID are chosen by people: short
// lower-case words that stand in logs, metrics and DNS names.
type (
	SiteID            string // "lab1": one place with machines, switches and boot services
	RackID            string // "r1": unique in its site
	SwitchID          string // "tor-r1": the switch's own host name, unique everywhere
	MachineID         string // "m7": unique everywhere
	PlanID            string // "c1.small"
	OperatingSystemID string // "debian_12"
	ProjectID         string // "acme": the tenant that pays
	DeviceID          string // a lower-case UUID
	OrderID           string // chosen by whoever orders; unique everywhere
)

// Switch is a top-of-rack switch as its driver needs it.
type Switch struct {
	ID         SwitchID
	Site       SiteID
	Address    string // management endpoint, host:port
	HostKey    string // expected SSH host key, "SHA256:…" as ssh-keygen prints it
	Credential string // name of a credential, never the credential

	Driver      string // which driver speaks to it: "junos" or "frr"; empty is junos
	Repair      bool   // drift is to be mended, not only reported
	FilterTerms int    // filter terms that its hardware has room for, over all ports; 0: unknown
}

// Port is one routed interface of a switch: "xe-0/0/7", or "ae7" for a bundle.
// Interface names repeat from switch to switch, so a Port always names both.
type Port struct {
	Switch SwitchID
	Name   string
}

// String gives "tor-r1:xe-0/0/7", the form in which operators read ports and
// in which a relay's circuit-id names them.
func (p Port) String() string { return string(p.Switch) + ":" + p.Name }

// ParseCircuitID reads the option 82 circuit-id that Junos writes when told to
// prefix the host name: "tor-r1:xe-0/0/7.0" or "tor-r1:xe-0/0/7". The unit is
// dropped: a port has one routed unit.
func ParseCircuitID(id string) (Port, error) {
	name, port, ok := strings.Cut(id, ":")
	port, _, _ = strings.Cut(port, ".")
	if !ok || name == "" || port == "" {
		return Port{}, fmt.Errorf("circuit-id %q: want switch:interface.unit", id)
	}
	return Port{Switch: SwitchID(name), Name: port}, nil
}
