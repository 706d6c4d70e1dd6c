package api

import (
	"slices"
	"strings"

	"millwright/internal/metal"
)

// DeviceUpdate is what becomes of a device. What is left out stays.
type DeviceUpdate struct {
	Hostname        *string   `json:"hostname,omitempty"`
	Description     *string   `json:"description,omitempty"`
	Tags            *[]string `json:"tags,omitempty"`
	Userdata        *string   `json:"userdata,omitempty"`
	CustomData      object    `json:"customdata,omitempty"`
	Locked          *bool     `json:"locked,omitempty"`
	NetworkFrozen   *bool     `json:"network_frozen,omitempty"`
	AlwaysPXE       *bool     `json:"always_pxe,omitempty"`
	IPXEScriptURL   *string   `json:"ipxe_script_url,omitempty"`
	BillingCycle    *string   `json:"billing_cycle,omitempty"`
	TerminationTime ending    `json:"termination_time,omitempty"`
	SpotInstance    bool      `json:"spot_instance,omitempty"`
	FirmwareSet     string    `json:"firmware_set_id,omitempty"`
}

func updateDevice(c *call) (any, error) {
	var in DeviceUpdate
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	change, err := in.change()
	if err != nil {
		return nil, err
	}
	if err := c.server.Store.ChangeDevice(c.ctx, c.change(), metal.DeviceID(c.id()), change); err != nil {
		return nil, asked(err)
	}
	return getDevice(c)
}

// change checks what is to be changed. Description, user data and script can be
// emptied; a host name, and how a device is billed, cannot.
func (in DeviceUpdate) change() (metal.DeviceChange, error) {
	change := metal.DeviceChange{
		Hostname: given(in.Hostname), Description: in.Description, ScriptURL: in.IPXEScriptURL, BillingCycle: given(in.BillingCycle),
		CustomData: []byte(in.CustomData), Locked: in.Locked, Frozen: in.NetworkFrozen, AlwaysPXE: in.AlwaysPXE,
	}
	if in.Userdata != nil {
		change.UserData = append([]byte{}, *in.Userdata...)
	}
	if in.Tags != nil {
		change.Tags = listed(*in.Tags)
	}
	if in.TerminationTime != "" {
		at := in.TerminationTime.time()
		change.TerminateAt = &at
	}
	return change, in.check()
}

func (in DeviceUpdate) check() error {
	if in.SpotInstance {
		return unprocessable("spot_instance: there are no spot instances; leave it false")
	}
	if in.FirmwareSet != "" {
		return unprocessable("firmware_set_id: there are no firmware sets; leave it out")
	}
	text := func(field *string) string {
		if field == nil {
			return ""
		}
		return *field
	}
	if given(in.BillingCycle) != nil {
		if err := checkCycle(*in.BillingCycle); err != nil {
			return err
		}
	}
	if in.Tags != nil {
		if err := checkTags(*in.Tags); err != nil {
			return err
		}
	}
	if err := checkDescription(text(in.Description)); err != nil {
		return err
	}
	if err := checkTermination(in.TerminationTime); err != nil {
		return err
	}
	if err := checkUserdata(text(in.Userdata)); err != nil {
		return err
	}
	if err := metal.CheckScript(text(in.IPXEScriptURL)); err != nil {
		return unprocessable("%s", err)
	}
	return checkHostname(text(in.Hostname))
}

func checkHostname(name string) error {
	if name == "" {
		return nil
	}
	if err := metal.CheckHostname(name); err != nil {
		return unprocessable("%s", err)
	}
	return nil
}

func checkCycle(cycle string) error {
	if !slices.Contains(billingCycles, cycle) {
		return unprocessable("billing_cycle: %q is none of %s", cycle, strings.Join(billingCycles, ", "))
	}
	return nil
}

func checkDescription(text string) error {
	return checkText("description", strings.NewReplacer("\n", " ", "\t", " ").Replace(text), maxDeviceWords)
}
