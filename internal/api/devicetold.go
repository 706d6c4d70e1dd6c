package api

import (
	"encoding/json"
	"unicode/utf8"

	"millwright/internal/metal"
)

// Userdata is what a device's system is given at its first boot.
type Userdata struct {
	Userdata string `json:"userdata"`
}

func getUserdata(c *call) (any, error) {
	view, err := c.device()
	if err != nil {
		return nil, err
	}
	if !utf8.Valid(view.UserData) {
		return nil, unprocessable("userdata: it is no text, and JSON cannot hold it; the device reads it from its metadata service")
	}
	return Userdata{string(view.UserData)}, nil
}

func getCustomdata(c *call) (any, error) {
	view, err := c.device()
	if err != nil {
		return nil, err
	}
	return objectOf(view.CustomData), nil
}

// Metadata is what a device's machine is told, as the API has it: what the
// metadata service says is of another form.
type Metadata struct {
	ID              string            `json:"id"`
	Hostname        string            `json:"hostname"`
	Class           string            `json:"class"`
	Plan            string            `json:"plan"`
	Facility        string            `json:"facility"`
	Metro           string            `json:"metro"`
	State           metal.DeviceState `json:"state"`
	Tags            []string          `json:"tags"`
	Reserved        bool              `json:"reserved"`
	SSHKeys         []string          `json:"ssh_keys"`
	CustomData      json.RawMessage   `json:"customdata"`
	OperatingSystem OperatingSystem   `json:"operating_system"`
	Specs           PlanSpecs         `json:"specs"`
	PrivateSubnets  []string          `json:"private_subnets"`
	SwitchShortID   string            `json:"switch_short_id"`
	Volumes         []string          `json:"volumes"`
	Network         MetadataNetwork   `json:"network"`
}

// MetadataNetwork is where a device is reached.
type MetadataNetwork struct {
	Addresses  []string            `json:"addresses"`
	Interfaces []MetadataInterface `json:"interfaces"`
	Network    MetadataBonded      `json:"network"`
}

// MetadataInterface is one of its NICs.
type MetadataInterface struct {
	Name string `json:"name"`
	MAC  string `json:"mac"`
	Bond string `json:"bond"`
}

// MetadataBonded says how its NICs are one.
type MetadataBonded struct {
	Bonding MetadataBonding `json:"bonding"`
}

// MetadataBonding is Linux's number of LACP.
type MetadataBonding struct {
	Mode int `json:"mode"`
}

// privateSubnets are those that a device reaches by its private link.
var privateSubnets = []string{"10.0.0.0/8"}

func getMetadata(c *call) (any, error) {
	view, err := c.device()
	if err != nil {
		return nil, err
	}
	wires, err := c.deviceWires([]metal.DeviceView{view})
	if err != nil {
		return nil, err
	}
	return metadataOf(view, wires[0]), nil
}

func metadataOf(view metal.DeviceView, d Device) Metadata {
	m := Metadata{
		ID: d.ID, Hostname: d.Hostname, Class: d.Plan.Slug, Plan: d.Plan.Slug, Facility: d.Facility.Code, Metro: d.Metro.Code, State: d.State,
		Tags: d.Tags, Reserved: view.Reservation != "", SSHKeys: listed(view.SSHKeys), CustomData: d.CustomData,
		OperatingSystem: d.OperatingSystem, Specs: d.Plan.Specs, PrivateSubnets: privateSubnets, Volumes: []string{},
		Network: MetadataNetwork{
			Addresses: []string{}, Interfaces: []MetadataInterface{}, Network: MetadataBonded{MetadataBonding{bondingMode}},
		},
	}
	if d.SwitchUUID != nil {
		m.SwitchShortID = (*d.SwitchUUID)[:8]
	}
	for _, a := range d.IPAddresses {
		m.Network.Addresses = append(m.Network.Addresses, a.Address)
	}
	for _, p := range d.NetworkPorts {
		if p.Bond != nil {
			m.Network.Interfaces = append(m.Network.Interfaces, MetadataInterface{p.Name, p.Data.MAC, p.Bond.Name})
		}
	}
	return m
}

// DeviceKeys are the keys that a device was ordered with, as far as they are
// still kept here.
type DeviceKeys struct {
	SSHKeys []any `json:"ssh_keys"`
}

// listDeviceKeys asks for each key as its caller: other people's keys are not
// everybody's to read.
func listDeviceKeys(c *call) (any, error) {
	view, err := c.device()
	if err != nil {
		return nil, err
	}
	list := DeviceKeys{[]any{}}
	for _, id := range view.KeyIDs {
		key, err := c.server.look(c, "/ssh-keys/"+id)
		if err != nil {
			if refusalOf(err).code < 500 {
				continue
			}
			return nil, err
		}
		list.SSHKeys = append(list.SSHKeys, key)
	}
	return list, nil
}
