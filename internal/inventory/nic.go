package inventory

import (
	"os"
	"strings"
)

// NIC is a port of a network card.
type NIC struct {
	Name      string     `json:"name"`
	MAC       string     `json:"mac"`
	Permanent string     `json:"permanent_mac,omitempty"` // burnt in, where MAC was changed or is bonded
	Driver    string     `json:"driver,omitempty"`
	Firmware  string     `json:"firmware,omitempty"`
	Mbps      int        `json:"mbps,omitempty"` // none without a carrier
	Carrier   bool       `json:"carrier"`
	PCI       string     `json:"pci,omitempty"`
	Neighbour *Neighbour `json:"neighbour,omitempty"`
}

// nics are the interfaces that have a device: bridges, bonds and VLANs have none.
func (r *reader) nics() {
	for _, name := range r.list("sys/class/net") {
		of := func(file string) string { return r.text("sys/class/net", name, file) }
		device := r.target("sys/class/net", name, "device")
		if device == "" {
			continue
		}
		nic := NIC{
			Name: name, MAC: of("address"), Carrier: of("carrier") == "1",
			Driver: r.target("sys/class/net", name, "device/driver"),
			Mbps:   max(r.number("sys/class/net", name, "speed"), 0), // -1 is unknown
		}
		nic.PCI = r.pciAddress(device)
		if r.live() {
			r.ethtool(&nic)
		}
		r.found.NICs = append(r.found.NICs, nic)
	}
}

// pciAddress is the device's name, or that of the one above: virtio's devices
// hang below a PCI device.
func (r *reader) pciAddress(device string) string {
	if strings.Count(device, ":") == 2 {
		return device
	}
	for _, address := range r.list("sys/bus/pci/devices") {
		if _, err := os.Stat(r.path("sys/bus/pci/devices", address, device)); err == nil {
			return address
		}
	}
	return ""
}

// ethtool asks the driver for what sysfs does not have.
func (r *reader) ethtool(nic *NIC) {
	driver, firmware, permanent, err := askDriver(nic.Name)
	if err != nil {
		r.note("ethtool %s: %v", nic.Name, err)
	}
	if nic.Driver == "" {
		nic.Driver = clip(driver)
	}
	nic.Firmware, nic.Permanent = clip(firmware), permanent
}
