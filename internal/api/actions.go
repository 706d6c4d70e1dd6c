package api

import (
	"encoding/json"
	"net/http"
	"slices"

	"millwright/internal/access"
	"millwright/internal/metal"
)

// ActionInput is what is to be done to a device. What comes after the type is
// for a reinstall.
type ActionInput struct {
	Type            string          `json:"type"`
	ForceDelete     bool            `json:"force_delete,omitempty"`
	DeprovisionFast bool            `json:"deprovision_fast,omitempty"` // a reinstall erases no more than it must in any case
	PreserveData    bool            `json:"preserve_data,omitempty"`
	OperatingSystem json.RawMessage `json:"operating_system,omitempty"` // a slug
	IPXEScriptURL   string          `json:"ipxe_script_url,omitempty"`
	Userdata        string          `json:"userdata,omitempty"`
}

func (s *server) actionRoutes() []route {
	return []route{
		{method: http.MethodPost, path: "/devices/{id}/actions", verb: access.Operate, kind: access.Device, code: http.StatusAccepted,
			does: "Power a device on or off, reboot, rescue or reinstall it", in: ActionInput{}, handle: actOnDevice},
	}
}

func actOnDevice(c *call) (any, error) {
	var in ActionInput
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if in.Type == "" { // metal-cli and old scripts put it into the query
		in.Type = c.query("type")
	}
	i := slices.IndexFunc(actionNames, func(a knownAction) bool { return a.Type == in.Type })
	if i < 0 {
		return nil, unprocessable("type: %q is none of power_on, power_off, reboot, rescue, reinstall", in.Type)
	}
	order := metal.OrderInput{Action: actionNames[i].action, Device: metal.DeviceID(c.id())}
	if order.Action == metal.ActionReinstall {
		if err := c.reinstall(in, &order); err != nil {
			return nil, err
		}
	}
	given, err := c.server.Store.ActOnDevice(c.ctx, c.change(), newOrder(order.Action), order, []byte(in.Userdata))
	if err != nil {
		return nil, asked(err)
	}
	c.start(given)
	return nil, nil
}

// reinstall fills in what a reinstall leaves out: the system, and the script,
// that the device has.
func (c *call) reinstall(in ActionInput, order *metal.OrderInput) error {
	if err := c.allowed(c.scope, access.Alter, access.Device); err != nil {
		return err
	}
	if in.PreserveData {
		return unprocessable("preserve_data: a reinstall erases every disk; save what you need elsewhere, and leave it false")
	}
	view, err := c.device()
	if err != nil {
		return err
	}
	order.OperatingSystem, order.ScriptURL = view.System.ID, in.IPXEScriptURL
	slug, err := systemSlug(in.OperatingSystem)
	if err != nil {
		return err
	}
	if slug != "" {
		all, err := c.catalogue()
		if err != nil {
			return err
		}
		system, err := systemNamed(all, slug)
		if err != nil {
			return err
		}
		order.OperatingSystem = system.ID
	}
	if order.ScriptURL == "" && order.OperatingSystem == view.System.ID {
		order.ScriptURL = view.ScriptURL
	}
	return checkUserdata(in.Userdata)
}

// systemSlug reads a system as clients name it: by its slug, or as an object
// that has one.
func systemSlug(raw json.RawMessage) (slug string, err error) {
	if len(raw) == 0 || string(raw) == "null" || json.Unmarshal(raw, &slug) == nil {
		return slug, nil
	}
	var system struct {
		Slug string `json:"slug"`
	}
	if json.Unmarshal(raw, &system) != nil {
		return "", unprocessable("operating_system: want a slug")
	}
	return system.Slug, nil
}
