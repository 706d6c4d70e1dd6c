package metadata

import (
	"encoding/json"
	"net/netip"

	"millwright/internal/metal"
)

// Document is the answer of /metadata. Its field names are the Packet API's;
// afterburn refuses one without id, hostname, iqn, plan, facility, tags,
// ssh_keys, network and phone_home_url, so none of those is ever left out.
type Document struct {
	ID              string          `json:"id"`
	Hostname        string          `json:"hostname"`
	IQN             string          `json:"iqn"`
	OperatingSystem operatingSystem `json:"operating_system"`
	Plan            string          `json:"plan"`
	Reserved        bool            `json:"reserved"` // the machine, for one project: not ours to sell yet
	Class           string          `json:"class"`    // the plan, by its older name
	Facility        string          `json:"facility"`
	Metro           string          `json:"metro"`
	PrivateSubnets  []string        `json:"private_subnets"`
	Tags            []string        `json:"tags"`
	SSHKeys         []string        `json:"ssh_keys"`
	CustomData      json.RawMessage `json:"customdata"`
	Specs           struct{}        `json:"specs"`
	Storage         struct{}        `json:"storage"`
	Volumes         []struct{}      `json:"volumes"`
	Spot            struct{}        `json:"spot"`
	SwitchShortID   string          `json:"switch_short_id"`
	Network         network         `json:"network"`
	APIURL          string          `json:"api_url"`
	PhoneHomeURL    string          `json:"phone_home_url"`
	UserStateURL    string          `json:"user_state_url"`
	State           string          `json:"state"`
}

type operatingSystem struct {
	Slug              string            `json:"slug"`
	Distro            string            `json:"distro"`
	Version           string            `json:"version"`
	ImageTag          string            `json:"image_tag"`
	LicenseActivation licenseActivation `json:"license_activation"`
}

type licenseActivation struct {
	State string `json:"state"`
}

type network struct {
	Bonding    bonding          `json:"bonding"`
	Interfaces []networkAdapter `json:"interfaces"`
	Addresses  []address        `json:"addresses"`
}

type bonding struct {
	Mode int `json:"mode"`
}

type networkAdapter struct {
	Name string `json:"name"`
	MAC  string `json:"mac"`
	Bond string `json:"bond"`
}

// Describe writes the document of the device that lives on m, or says that
// none does. The url is that of the boot service, as the machine reaches it.
func Describe(m metal.BootMachine, url string) (Document, bool) {
	if m.Tenancy == nil {
		return Document{}, false
	}
	t := m.Tenancy
	return Document{
		ID:              string(t.Device),
		Hostname:        t.Hostname,
		IQN:             "iqn.2026-01.millwright:device." + string(t.Device),
		OperatingSystem: systemOf(t.OperatingSystem),
		Plan:            string(t.Plan),
		Class:           string(t.Plan),
		Facility:        string(t.Site),
		Metro:           t.Metro,
		PrivateSubnets:  privateSubnets(t.Leases),
		Tags:            list(t.Tags),
		SSHKeys:         list(t.SSHKeys),
		CustomData:      customData(t.CustomData),
		Volumes:         []struct{}{},
		SwitchShortID:   string(m.Port.Switch),
		Network:         networkOf(m),
		APIURL:          url,
		PhoneHomeURL:    PhoneHomeURL(url, m.Intent.Number),
		UserStateURL:    UserStateURL(url, m.Intent.Number),
		State:           string(t.State),
	}, true
}

// customData is the tenant's object: packngo decodes nothing else.
func customData(given json.RawMessage) json.RawMessage {
	if len(given) == 0 {
		return json.RawMessage("{}")
	}
	return given
}

func systemOf(s metal.OperatingSystem) operatingSystem {
	return operatingSystem{
		Slug: string(s.ID), Distro: s.Distro, Version: s.Version, ImageTag: s.Image.ID,
		LicenseActivation: licenseActivation{State: "unlicensed"},
	}
}

// bondLACP and bondAny are Linux bonding modes. LACP is for bundles alone: a
// switch that runs none leaves the second link of such a bond dark.
const (
	bondLACP = 4 // 802.3ad
	bondAny  = 5 // balance-tlb: asks nothing of the switch
)

func networkOf(m metal.BootMachine) network {
	n := network{Bonding: bonding{Mode: bondAny}, Interfaces: []networkAdapter{}, Addresses: []address{}}
	if WiringOf(m) == Bundle {
		n.Bonding.Mode = bondLACP
	}
	for i, mac := range m.MACs {
		n.Interfaces = append(n.Interfaces, networkAdapter{Name: ethernet(i), MAC: mac, Bond: "bond0"})
	}
	for _, lease := range m.Tenancy.Leases {
		n.Addresses = append(n.Addresses, addressOf(m.Tenancy, lease))
	}
	return n
}

// PrivateBlocks is what a tenant's system routes to its private gateway: the
// whole of the RFC 1918 block that a private address of it is from, as its other
// devices are somewhere in it.
func PrivateBlocks(leases []metal.Lease) (blocks []netip.Prefix) {
	for _, text := range []string{"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"} {
		block := netip.MustParsePrefix(text)
		for _, lease := range leases {
			if lease.Role == metal.Private && block.Contains(lease.Prefix.Addr()) {
				blocks = append(blocks, block)
				break
			}
		}
	}
	return blocks
}

func privateSubnets(leases []metal.Lease) []string {
	subnets := []string{}
	for _, block := range PrivateBlocks(leases) {
		subnets = append(subnets, block.String())
	}
	return subnets
}

// list makes [] of nothing: clients decode null as a missing field.
func list(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}
