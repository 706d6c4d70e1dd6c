package catalogue

import "millwright/internal/metal"

// System is one operating system as the catalogue knows it.
type System struct {
	ID      metal.OperatingSystemID `yaml:"-"` // the file's name, as Packet called the system where it had it
	Name    string                  `yaml:"name"`
	Distro  string                  `yaml:"distro"`
	Version string                  `yaml:"version"`

	FirstBoot metal.FirstBootMethod `yaml:"first_boot"`
	PhoneHome string                `yaml:"phone_home"` // what runs the program that phones home: python3, curl, or none
	Network   string                `yaml:"network"`    // what configures the network: netplan, networkmanager, networkd, or none
	User      string                `yaml:"user"`       // who has the tenant's keys, beside root where that may log in
	Root      bool                  `yaml:"root"`       // whether the keys let root in
	Kernel    string                `yaml:"kernel"`     // family and series
	Console   string                `yaml:"console"`    // kernel arguments that the image comes with
	BootModes []metal.Firmware      `yaml:"boot_modes"` // of the x86_64 image; aarch64 has UEFI alone
	Images    []Image               `yaml:"images"`     // none for a tenant's own script

	Proven     Proof    `yaml:"proven"`
	Unverified []string `yaml:"unverified"` // fields that nobody has held against the vendor's own word or an image
	Notes      []string `yaml:"notes"`      // sentences for whoever offers the system, or orders it
}

// Image is where a vendor publishes the image for one architecture. The newest
// is at the same place always; which one it was stands in its checksums.
type Image struct {
	Arch      string    `yaml:"arch"`   // x86_64 or aarch64
	URL       string    `yaml:"url"`    // of the image; empty where the list of checksums says it
	Format    string    `yaml:"format"` // qcow2, raw.bz2 or raw.xz: what the image store is to make of it
	Checksums Checksums `yaml:"checksums"`
}

// Checksums is how a vendor says which image is the right one.
type Checksums struct {
	URL  string `yaml:"url"`
	Form Form   `yaml:"form"`
}

// Proof is what was seen of a system, here and by its own means.
type Proof struct {
	State ProofState `yaml:"state"`
	Date  string     `yaml:"date"` // 2026-11-22
	By    string     `yaml:"by"`   // what proved it
}

// ProofState is how far a proof goes.
type ProofState string

const (
	// Booted: the vendor's image was installed and phoned home.
	Booted ProofState = "booted"
	// Validated: what the system is told was read by the programs that read it
	// there; the vendor's image itself was not booted.
	Validated ProofState = "validated"
)
