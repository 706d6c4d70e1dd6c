package inventory

import "strings"

// Device is a PCI device by its numbers, in hex, and the driver that has it.
type Device struct {
	Address string `json:"address"`
	Class   string `json:"class"` // class, subclass and interface, such as 010802
	Vendor  string `json:"vendor"`
	Device  string `json:"device"`
	Driver  string `json:"driver,omitempty"`
}

// dull are the base classes of what every board is full of (PCI Code and ID
// Assignment Specification): memory controllers, bridges, system peripherals,
// processors, serial buses, signal processing.
var dull = []string{"05", "06", "08", "0b", "0c", "11"}

// raid are the classes of controllers that may make volumes of disks: RAID, and
// SAS, whose cards often do both.
var raid = []string{"0104", "0107"}

func (r *reader) pci() {
	for _, address := range r.list("sys/bus/pci/devices") {
		hex := func(file string) string {
			return strings.TrimPrefix(r.text("sys/bus/pci/devices", address, file), "0x")
		}
		device := Device{
			clip(address), hex("class"), hex("vendor"), hex("device"), r.target("sys/bus/pci/devices", address, "driver"),
		}
		if startsWith(device.Class, raid) {
			r.found.RAID = append(r.found.RAID, device)
		}
		if !startsWith(device.Class, dull) {
			r.found.PCI = append(r.found.PCI, device)
		}
	}
}

func startsWith(class string, prefixes []string) bool {
	for _, prefix := range prefixes {
		if strings.HasPrefix(class, prefix) {
			return true
		}
	}
	return false
}
