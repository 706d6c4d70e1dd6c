package fitness

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"millwright/internal/metal"
)

// firmware is what the agent sees of it. The plan's baseline names components
// "bios", "bmc", "nic i40e" by driver and "disk samsung mz7lh480" by model; the
// BMC knows others, and Judge compares those.
func (c *comparison) firmware() {
	baseline := c.Fitness.Baseline
	c.version("bios", "bios", c.is.BIOS.Version)
	if bmc := c.is.BMC; bmc != nil && bmc.Firmware != "" && baseline["bmc"] != "" && !within(baseline["bmc"], bmc.Firmware) {
		c.found.add(metal.WrongFirmware, "bmc", "the plan says bmc %s, and there is %s", baseline["bmc"], bmc.Firmware)
	}
	for _, nic := range c.is.NICs {
		c.version("nic "+strings.ToLower(nic.Driver), nic.MAC, nic.Firmware)
	}
	for _, d := range c.drives() {
		c.version("disk "+strings.ToLower(d.Model), d.name(), d.Firmware)
	}
}

func (c *comparison) version(component, part, is string) {
	if want := c.Fitness.Baseline[component]; want != "" && is != "" && !sameVersion(want, is) {
		c.found.add(metal.WrongFirmware, part, "the plan says %s %s, and there is %s", component, want, is)
	}
}

// sameVersion lets the first word stand for all: network cards say
// "8.40 0x8000af82 20.5.13", and the rest tells of the option ROM.
func sameVersion(want, is string) bool {
	want, is = strings.TrimSpace(want), strings.TrimSpace(is)
	first, _, _ := strings.Cut(is, " ")
	return strings.EqualFold(want, is) || strings.EqualFold(want, first)
}

// within compares a BMC's version with what it says from inside, by IPMI, which
// has room for two numbers: "6.10" is "6.10.30.00", and "2.72" "iLO 5 v2.72".
func within(baseline, is string) bool {
	all, some := numbers(baseline), numbers(is)
	for at := 0; at+len(some) <= len(all); at++ {
		if slices.Equal(all[at:at+len(some)], some) {
			return true
		}
	}
	return false
}

func numbers(version string) (all []int) {
	for _, text := range number.FindAllString(version, -1) {
		if n, err := strconv.Atoi(text); err == nil {
			all = append(all, n)
		}
	}
	return all
}

// judgeFirmware compares what the BMC says of all components. Of those with the
// same name each is one part.
func (f *findings) judgeFirmware(is []metal.FirmwareVersion, baseline map[string]string) {
	named := map[string]int{}
	for _, v := range is {
		named[strings.ToLower(v.Component)]++
	}
	for _, component := range slices.Sorted(maps.Keys(baseline)) {
		for _, v := range is {
			if !strings.EqualFold(v.Component, component) || v.Version == "" || sameVersion(baseline[component], v.Version) {
				continue
			}
			part := component
			if named[strings.ToLower(component)] > 1 {
				part = strings.TrimSpace(component + " " + v.ID)
			}
			f.add(metal.WrongFirmware, part, "the plan says %s %s, and there is %s", component, baseline[component], v.Version)
		}
	}
}
