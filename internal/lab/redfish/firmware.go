package redfish

import (
	"bufio"
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// The components that a BMC updates, as places in a table.
const (
	biosFirmware = iota
	bmcFirmware
)

// componentNames are the components' IDs in FirmwareInventory.
var componentNames = [2]string{biosFirmware: "BIOS", bmcFirmware: "BMC"}

// version is what runs, and what there is to go back to.
type version struct{ current, backup string }

// backupVersion is what the factory left in the other half of each flash.
const backupVersion = "1.0"

// backupPrefix marks the image to go back to, in the manner of Supermicro.
const backupPrefix = "Backup_"

// Firmware is the versions that run, by component: "bios" and "bmc".
func (b *BMC) Firmware() map[string]string {
	b.settle()
	b.mu.Lock()
	defer b.mu.Unlock()
	return map[string]string{"bios": b.firmware[biosFirmware].current, "bmc": b.firmware[bmcFirmware].current}
}

func firmwareIDs(*BMC) []string {
	return []string{componentNames[0], componentNames[1], backupPrefix + componentNames[0], backupPrefix + componentNames[1]}
}

// component finds one by the ID of its image, running or backup.
func component(id string) (which int, backup, ok bool) {
	name, backup := strings.CutPrefix(id, backupPrefix)
	which = slices.Index(componentNames[:], name)
	return which, backup, which >= 0
}

const activatePostfix = "/Actions/SoftwareInventory.Activate"

func (b *BMC) firmwareView(id string) object {
	which, backup, ok := component(id)
	if !ok {
		return nil
	}
	at, running := inventoryPath+"/"+id, b.firmware[which]
	o := resource(at, "SoftwareInventory.v1_10_0.SoftwareInventory", id, object{
		"SoftwareId": id, "Version": running.current, "Updateable": true, "Status": statusOf(healthOK),
		"Manufacturer": b.hardware.Vendor,
	})
	if backup {
		maps.Copy(o, object{
			"Version": running.backup, "Updateable": false, "Status": object{"State": "StandbySpare", "Health": healthOK},
			"Actions": object{"#SoftwareInventory.Activate": object{"target": at + activatePostfix}},
		})
	}
	return o
}

// firmwareMagic begins every image that a lab's BMC takes.
const firmwareMagic = "MILLWRIGHT LAB FIRMWARE"

// FirmwareImage is an image that brings a component, "bios" or "bmc", to a
// version.
func FirmwareImage(component, version string) []byte {
	return fmt.Appendf(nil, "%s\ncomponent: %s\nversion: %s\n", firmwareMagic, component, version)
}

// parseFirmware reads an image as FirmwareImage writes it.
func parseFirmware(image []byte) (which int, version string, err error) {
	lines := bufio.NewScanner(bytes.NewReader(image))
	fields := map[string]string{}
	for n := 0; lines.Scan(); n++ {
		if n == 0 && lines.Text() != firmwareMagic {
			return 0, "", fmt.Errorf("firmware image of %d bytes: it does not begin as one", len(image))
		}
		name, value, _ := strings.Cut(lines.Text(), ": ")
		fields[name] = value
	}
	which = slices.Index(componentNames[:], strings.ToUpper(fields["component"]))
	if which < 0 || fields["version"] == "" {
		return 0, "", fmt.Errorf("firmware image of %d bytes: want a component of %v and a version", len(image), componentNames)
	}
	return which, fields["version"], nil
}
