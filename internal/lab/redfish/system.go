package redfish

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"

	"millwright/internal/metal"
)

// resetTypes are the values of Reset that this BMC takes.
var resetTypes = []string{"On", "ForceOff", "GracefulShutdown", "ForceRestart", "GracefulRestart", "PowerCycle"}

func system(b *BMC) object {
	h, o := b.hardware, b.currentOverride()
	return resource(systemPath, "ComputerSystem.v1_13_0.ComputerSystem", b.name, object{
		"SystemType": "Physical", "PowerState": b.powerState(), "HostName": "",
		"Manufacturer": h.Vendor, "Model": h.Model, "SerialNumber": h.Serial, "UUID": h.UUID,
		"BiosVersion": b.firmware[biosFirmware].current,
		"Status":      object{"State": "Enabled", "Health": b.health(), "HealthRollup": b.health()},
		"ProcessorSummary": object{
			"Count": 1, "Model": h.CPU, "CoreCount": h.Cores, "LogicalProcessorCount": 2 * h.Cores, "Status": statusOf(healthOK),
		},
		"MemorySummary": object{
			"TotalSystemMemoryGiB": h.MemoryGiB, "Status": statusOf(b.unless(MemoryErrors, healthCritical)),
		},
		"Boot": object{
			"BootSourceOverrideTarget":                         o.Target,
			"BootSourceOverrideEnabled":                        o.Enabled,
			"BootSourceOverrideMode":                           o.Mode,
			"BootSourceOverrideTarget@Redfish.AllowableValues": targets,
			"BootOptions":                                      link(optionsPath),
			"BootOrder":                                        b.optionIDs(),
		},
		"Bios": link(biosPath), "EthernetInterfaces": link(cardsPath), "Memory": link(dimmsPath),
		"Processors": link(processorsPath), "Storage": link(storagesPath),
		"Actions": object{"#ComputerSystem.Reset": object{
			"target": resetPath, "ResetType@Redfish.AllowableValues": resetTypes,
		}},
		"Links": object{"Chassis": []object{link(enclosurePath)}, "ManagedBy": []object{link(managerPath)}},
	})
}

// etag names the state of the system resource, power and override alike.
func (b *BMC) etag() string { return fmt.Sprintf(`W/"%d"`, b.version) }

// patchSystem takes a boot override and a boot order, and nothing else.
func patchSystem(b *BMC, w http.ResponseWriter, r *http.Request, body []byte) {
	var patch bootPatch
	if !read(w, body, &patch) {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if match := r.Header.Get("If-Match"); match != "" && match != "*" && match != b.etag() {
		refuse(w, http.StatusPreconditionFailed, "PreconditionFailed", "the system has changed since it was read")
		return
	}
	o, err := patch.apply(b.currentOverride())
	if err != nil {
		refuse(w, http.StatusBadRequest, "PropertyValueNotInList", err.Error())
		return
	}
	if err := b.reorder(patch.Boot.Order); err != nil {
		refuse(w, http.StatusBadRequest, "PropertyValueNotInList", err.Error())
		return
	}
	if o != b.currentOverride() || patch.Boot.Order == nil {
		b.setOverride(o)
	}
	w.WriteHeader(http.StatusNoContent)
}

// reset answers the action that changes power.
func reset(b *BMC, w http.ResponseWriter, _ *http.Request, body []byte) {
	var asked struct{ ResetType string }
	if err := json.Unmarshal(body, &asked); err != nil || !slices.Contains(resetTypes, asked.ResetType) {
		refuse(w, http.StatusBadRequest, "ActionParameterNotSupported", "ResetType: want one of the allowable values")
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	// A machine that is on cannot be switched on, and all else wants one that is on.
	if on := b.says == metal.On; on == (asked.ResetType == "On") {
		refuse(w, http.StatusConflict, "ActionNotSupported", "not possible in power state "+b.powerState())
		return
	}
	b.perform(asked.ResetType)
	w.WriteHeader(http.StatusNoContent)
}

// perform does what a reset type means for the chassis.
func (b *BMC) perform(resetType string) {
	b.log.Info("reset", "type", resetType)
	switch resetType {
	case "On":
		b.switchOn()
	case "ForceOff", "GracefulShutdown":
		b.switchOff()
	default:
		b.switchOff()
		b.switchOn()
	}
}
