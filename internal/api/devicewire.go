package api

import (
	"encoding/json"
	"slices"
	"unicode/utf8"

	"millwright/internal/access"
	"millwright/internal/metal"
)

// Device is a device as its clients decode it. Terraform plans a replacement of
// every server whose storage is an object; metal-cli panics where
// operating_system has no name; the SDK wants href in everything that is a link,
// and id and short_id in created_by.
type Device struct {
	ID                     string              `json:"id"`
	ShortID                string              `json:"short_id"`
	Href                   string              `json:"href"`
	Hostname               string              `json:"hostname"`
	Description            string              `json:"description"`
	Tags                   []string            `json:"tags"`
	State                  metal.DeviceState   `json:"state"`
	Plan                   Plan                `json:"plan"`
	OperatingSystem        OperatingSystem     `json:"operating_system"`
	Metro                  Metro               `json:"metro"`
	Facility               Facility            `json:"facility"`
	Project                href                `json:"project"`
	ProjectLite            href                `json:"project_lite"`
	HardwareReservation    *href               `json:"hardware_reservation,omitempty"`
	User                   string              `json:"user"` // who logs in
	Userdata               string              `json:"userdata"`
	CustomData             json.RawMessage     `json:"customdata"`
	BillingCycle           string              `json:"billing_cycle"`
	Locked                 bool                `json:"locked"`
	NetworkFrozen          bool                `json:"network_frozen"`
	AlwaysPXE              bool                `json:"always_pxe"`
	IPXEScriptURL          string              `json:"ipxe_script_url"`
	Storage                *json.RawMessage    `json:"storage"`
	IPAddresses            []IPAssignment      `json:"ip_addresses"`
	NetworkPorts           []Port              `json:"network_ports"`
	SSHKeys                []href              `json:"ssh_keys"`
	Volumes                []href              `json:"volumes"`
	ProvisioningEvents     []metal.EventNotice `json:"provisioning_events"`
	ProvisioningPercentage float64             `json:"provisioning_percentage"`
	RootPassword           *string             `json:"root_password"`
	Actions                []DeviceAction      `json:"actions"`
	SwitchUUID             *string             `json:"switch_uuid"`
	BondingMode            int                 `json:"bonding_mode"` // IEEE 802.3ad
	ImageURL               *string             `json:"image_url"`
	SpotInstance           bool                `json:"spot_instance"`
	TerminationTime        *string             `json:"termination_time"`
	CreatedBy              *DeviceCreator      `json:"created_by,omitempty"`
	CreatedAt              *string             `json:"created_at"`
	UpdatedAt              *string             `json:"updated_at"`
}

// DeviceCreator is who ordered a device.
type DeviceCreator struct {
	ID      string `json:"id"`
	ShortID string `json:"short_id"`
	Email   string `json:"email,omitempty"`
	Name    string `json:"full_name,omitempty"`
	Href    string `json:"href"`
}

// DeviceAction is something that can be done to a device as it is now.
type DeviceAction struct {
	Type string `json:"type"`
	Name string `json:"name"`
}

// bondingMode is what Linux calls LACP.
const bondingMode = 4

// deviceWires puts devices as clients expect them.
func (c *call) deviceWires(views []metal.DeviceView) ([]Device, error) {
	ids := make([]metal.DeviceID, len(views))
	for i, v := range views {
		ids[i] = v.ID
	}
	nics, err := c.server.Store.NICs(c.ctx, ids)
	if err != nil {
		return nil, err
	}
	secrets := map[metal.ProjectID]bool{}
	devices := make([]Device, len(views))
	for i, v := range views {
		readable, known := secrets[v.Project]
		if !known {
			roles, err := c.server.Store.Roles(c.ctx, c.caller, metal.Scope{Organization: v.Organization, Project: v.Project})
			if err != nil {
				return nil, err
			}
			readable = access.May(roles, access.See, access.Secret)
			secrets[v.Project] = readable
		}
		devices[i] = wireDevice(v, c.caller.Operator)
		devices[i].NetworkPorts = networkPorts(nics[v.ID])
		if readable && utf8.Valid(v.UserData) {
			devices[i].Userdata = string(v.UserData)
		}
	}
	return devices, nil
}

func (c *call) deviceWire(view metal.DeviceView) (any, error) {
	devices, err := c.deviceWires([]metal.DeviceView{view})
	if err != nil {
		return nil, err
	}
	return devices[0], nil
}

func wireDevice(v metal.DeviceView, operator bool) Device {
	id := string(v.ID)
	project := href{link("projects", string(v.Project))}
	d := Device{
		ID: id, ShortID: id[:8], Href: link("devices", id), Hostname: v.Hostname, Description: v.Description, Tags: listed(v.Tags), State: v.State,
		Plan: planWire(v.Plan, nil), OperatingSystem: systemWire(metal.OfferedSystem{OperatingSystem: v.System, Plans: []metal.PlanID{v.Plan.ID}}),
		Metro: metroWire(v.Site.Metro), Facility: facilityWire(v.Site), Project: project, ProjectLite: project,
		User: "root", CustomData: objectOf(v.CustomData), BillingCycle: v.BillingCycle, Locked: v.Locked, NetworkFrozen: v.Frozen,
		AlwaysPXE: v.AlwaysPXE, IPXEScriptURL: v.ScriptURL, BondingMode: bondingMode, Volumes: []href{},
		NetworkPorts: []Port{}, SSHKeys: []href{}, Actions: actionsOf(v.State), TerminationTime: stamp(v.TerminateAt),
		CreatedBy: creatorOf(v.Creator), CreatedAt: stamp(v.Created), UpdatedAt: stamp(v.Changed),
	}
	if len(v.Storage) > 0 {
		d.Storage = &v.Storage
	}
	if v.Reservation != "" {
		d.HardwareReservation = &href{link("hardware-reservations", v.Reservation)}
	}
	if v.Switch != "" {
		at := stableID("switch", string(v.Switch))
		d.SwitchUUID = &at
	}
	for _, key := range v.KeyIDs {
		d.SSHKeys = append(d.SSHKeys, href{link("ssh-keys", key)})
	}
	d.IPAddresses = assignmentsWire(v.Assignments)
	d.ProvisioningEvents, d.ProvisioningPercentage = progressOf(v, operator)
	return d
}

func creatorOf(u metal.User) *DeviceCreator {
	if u.ID == "" {
		return nil
	}
	id := string(u.ID)
	return &DeviceCreator{ID: id, ShortID: id[:8], Email: u.Email, Name: u.Name, Href: link("users", id)}
}

// progressOf is which steps to a system there are, which of them were taken
// when, and how much of the way that is.
func progressOf(v metal.DeviceView, operator bool) ([]metal.EventNotice, float64) {
	const all = 100
	settled := v.State != metal.Queued && v.State != metal.Provisioning && v.State != metal.Reinstalling
	if settled && len(v.Steps) == 0 {
		return []metal.EventNotice{}, all
	}
	steps := metal.ProvisioningSteps()
	furthest := 0
	for _, taken := range v.Steps {
		i := slices.IndexFunc(steps, func(n metal.EventNotice) bool { return n.Type == taken.Type })
		if i >= 0 {
			steps[i], furthest = taken.Notice(operator), max(furthest, i+1)
		}
	}
	if settled {
		return steps, all
	}
	return steps, float64(all * furthest / (len(steps) + 1))
}

// knownAction is an action as clients show it, and in which states they do.
type knownAction struct {
	DeviceAction
	action metal.Action
	in     []metal.DeviceState
}

// actionNames lists all of them.
var actionNames = []knownAction{
	{DeviceAction{"power_on", "Power on"}, metal.ActionPowerOn, []metal.DeviceState{metal.Inactive}},
	{DeviceAction{"power_off", "Power off"}, metal.ActionPowerOff, []metal.DeviceState{metal.Active}},
	{DeviceAction{"reboot", "Reboot"}, metal.ActionReboot, []metal.DeviceState{metal.Active}},
	{DeviceAction{"rescue", "Rescue"}, metal.ActionRescue, []metal.DeviceState{metal.Active, metal.Inactive, metal.Failed}},
	{DeviceAction{"reinstall", "Reinstall"}, metal.ActionReinstall, []metal.DeviceState{metal.Active, metal.Inactive, metal.Failed}},
}

// actionsOf are what makes sense in a state.
func actionsOf(state metal.DeviceState) []DeviceAction {
	all := []DeviceAction{}
	for _, a := range actionNames {
		if slices.Contains(a.in, state) {
			all = append(all, a.DeviceAction)
		}
	}
	return all
}
