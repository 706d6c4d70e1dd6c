package catalogue

import (
	"fmt"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"millwright/internal/metal"
)

var (
	idForm     = regexp.MustCompile(`^[a-z0-9][a-z0-9_]*$`)
	methods    = []metal.FirstBootMethod{metal.CloudInit, metal.Ignition, metal.Flatcar, metal.IPXE, metal.Plain}
	phones     = []string{"python3", "curl", "none"}
	networks   = []string{"netplan", "networkmanager", "networkd", "none"}
	firmwares  = []metal.Firmware{metal.BIOS, metal.UEFI}
	arches     = []string{"x86_64", "aarch64"}
	formats    = []string{"qcow2", "raw.bz2", "raw.xz"}
	proofForms = []ProofState{Booted, Validated}
)

// check names the first field that is missing or cannot be.
func (s System) check() error {
	switch {
	case !idForm.MatchString(string(s.ID)):
		return fmt.Errorf("the file's name is the system's ID: want lower-case letters, digits and underscores")
	case s.Name == "" || s.Distro == "" || s.Version == "" || s.Kernel == "":
		return fmt.Errorf("name, distro, version and kernel: one is missing")
	case !slices.Contains(methods, s.FirstBoot):
		return fmt.Errorf("first_boot: %q is none of %v", s.FirstBoot, methods)
	case !slices.Contains(phones, s.PhoneHome):
		return fmt.Errorf("phone_home: %q is none of %v", s.PhoneHome, phones)
	case !slices.Contains(networks, s.Network):
		return fmt.Errorf("network: %q is none of %v", s.Network, networks)
	case len(s.BootModes) == 0 || slices.ContainsFunc(s.BootModes, not(firmwares)):
		return fmt.Errorf("boot_modes: %v: want some of %v", s.BootModes, firmwares)
	}
	for _, field := range s.Unverified {
		if !slices.Contains(fields(), field) {
			return fmt.Errorf("unverified: there is no field %q", field)
		}
	}
	if err := s.checkImages(); err != nil {
		return err
	}
	return s.Proven.check()
}

func not[T comparable](known []T) func(T) bool {
	return func(t T) bool { return !slices.Contains(known, t) }
}

// fields are what a system's file may say.
func fields() (names []string) {
	t := reflect.TypeFor[System]()
	for i := range t.NumField() {
		names = append(names, t.Field(i).Tag.Get("yaml"))
	}
	return names
}

func (s System) checkImages() error {
	if s.FirstBoot == metal.IPXE {
		if len(s.Images) > 0 {
			return fmt.Errorf("images: a tenant's own script installs none")
		}
		return nil
	}
	switch {
	case len(s.Images) == 0:
		return fmt.Errorf("images: missing")
	case s.User == "" || s.Console == "":
		return fmt.Errorf("user and console: one is missing")
	}
	seen := map[string]bool{}
	for _, i := range s.Images {
		if seen[i.Arch] {
			return fmt.Errorf("images: %s twice", i.Arch)
		}
		seen[i.Arch] = true
		if err := i.check(); err != nil {
			return fmt.Errorf("images: %s: %w", i.Arch, err)
		}
	}
	return nil
}

func (i Image) check() error {
	switch {
	case !slices.Contains(arches, i.Arch):
		return fmt.Errorf("arch: %q is none of %v", i.Arch, arches)
	case !slices.Contains(formats, i.Format):
		return fmt.Errorf("format: %q is none of %v", i.Format, formats)
	case !slices.Contains(forms, i.Checksums.Form):
		return fmt.Errorf("checksums.form: %q is none of %v", i.Checksums.Form, forms)
	case !secure(i.Checksums.URL):
		return fmt.Errorf("checksums.url: %q: want https", i.Checksums.URL)
	case i.Checksums.Form == Stream && i.URL != "":
		return fmt.Errorf("url: the stream says it; leave it out")
	case i.Checksums.Form != Stream && (!secure(i.URL) || !strings.HasSuffix(i.URL, suffixes[i.Format])):
		return fmt.Errorf("url: %q: want https, and a file name that ends as %s does", i.URL, i.Format)
	}
	return nil
}

// suffixes are how files of a format are called; Ubuntu calls its qcow2 .img.
var suffixes = map[string]string{"raw.bz2": ".bz2", "raw.xz": ".xz"}

func secure(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.Scheme == "https" && u.Host != "" && u.User == nil
}

func (p Proof) check() error {
	switch _, err := time.Parse(time.DateOnly, p.Date); {
	case !slices.Contains(proofForms, p.State):
		return fmt.Errorf("proven.state: %q is none of %v", p.State, proofForms)
	case err != nil:
		return fmt.Errorf("proven.date: %q: want a day as in 2026-11-22", p.Date)
	case p.By == "":
		return fmt.Errorf("proven.by: missing: say what proved it")
	}
	return nil
}
