package redfish

import (
	"fmt"
	"maps"
	"net/http"
	"slices"

	"millwright/internal/metal"
)

// bios is what the firmware's settings are, where they are not the usual ones,
// and what they will be from the next power on.
type bios struct{ set, next map[string]string }

// biosAttributes are the settings that there are, with the values that each
// takes; the first is the factory's.
var biosAttributes = map[string][]string{
	"BootMode":           {"Uefi", "Bios"},
	"LogicalProc":        {"Enabled", disabled},
	"ProcVirtualization": {"Enabled", disabled},
	"SecureBoot":         {disabled, "Enabled"},
	"SriovGlobalEnable":  {"Enabled", disabled},
	"SysProfile":         {"PerfOptimized", "PerfPerWattOptimizedOs", "PerfPerWattOptimizedDapc"},
}

// BIOSSettings are settings that a lab's machines have unless somebody changed
// them, for plans to expect.
func BIOSSettings() map[string]string {
	return map[string]string{"ProcVirtualization": "Enabled", "SysProfile": "PerfOptimized"}
}

// attributes are the settings as they are. It wants the lock.
func (b *BMC) attributes() map[string]string {
	all := make(map[string]string, len(biosAttributes))
	for name, values := range biosAttributes {
		all[name] = values[0]
	}
	if b.hardware.Firmware == metal.BIOS {
		all["BootMode"] = "Bios"
	}
	maps.Copy(all, b.bios.set)
	return all
}

func biosView(b *BMC) object {
	return resource(biosPath, "Bios.v1_1_1.Bios", "BIOS settings", object{
		"Attributes": b.attributes(), "AttributeRegistry": "LabBiosAttributeRegistry.v1_0_0",
		"@Redfish.Settings": object{
			"@odata.type": "#Settings.v1_3_0.Settings", "SettingsObject": link(biosNextPath),
			"SupportedApplyTimes": []string{"OnReset"},
		},
	})
}

// biosNextView shows what waits for the next power on, and nothing else.
func biosNextView(b *BMC) object {
	waiting := b.bios.next
	if waiting == nil {
		waiting = map[string]string{}
	}
	return resource(biosNextPath, "Bios.v1_1_1.Bios", "BIOS settings to come", object{"Attributes": maps.Clone(waiting)})
}

func patchBIOS(b *BMC, w http.ResponseWriter, _ *http.Request, body []byte) {
	var patch struct {
		Attributes map[string]string
		Apply      *struct{ ApplyTime string } `json:"@Redfish.SettingsApplyTime"`
	}
	if !read(w, body, &patch) {
		return
	}
	for name, value := range patch.Attributes {
		if !slices.Contains(biosAttributes[name], value) {
			refuse(w, http.StatusBadRequest, "PropertyValueNotInList", fmt.Sprintf("attribute %s: value %q: want one of %v", name, value, biosAttributes[name]))
			return
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.bios.next == nil {
		b.bios.next = map[string]string{}
	}
	maps.Copy(b.bios.next, patch.Attributes)
	w.WriteHeader(http.StatusNoContent)
}

// passPOST is what the firmware does when the machine starts: it takes over the
// settings that waited, and begins the updates that did. It wants the lock.
func (b *BMC) passPOST() {
	if b.bios.next != nil {
		if b.bios.set == nil {
			b.bios.set = map[string]string{}
		}
		maps.Copy(b.bios.set, b.bios.next)
		b.bios.next = nil
	}
	b.beginWaiting()
}
