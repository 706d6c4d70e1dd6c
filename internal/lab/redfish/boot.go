package redfish

import (
	"fmt"
	"slices"
	"time"

	"millwright/internal/metal"
)

// override is the part of the Boot property that chooses the next boot.
type override struct {
	Target  string
	Enabled string
	Mode    string
	until   time.Time // when the BMC will have forgotten it; zero is never
}

// The values of an override that is none.
const (
	noTarget = "None"
	disabled = "Disabled"
)

// factoryBoot is what a BMC has before anybody asks for something.
func (b *BMC) factoryBoot() override {
	mode := "UEFI"
	if b.hardware.Firmware == metal.BIOS {
		mode = "Legacy"
	}
	return override{Target: noTarget, Enabled: disabled, Mode: mode}
}

// The values that this BMC takes; anything else is refused, as by real ones.
var (
	targets  = []string{noTarget, "Pxe", "Hdd", "UefiHttp", "BiosSetup"}
	enablers = []string{disabled, "Once", "Continuous"}
	modes    = []string{"Legacy", "UEFI"}
)

// bootPatch is what a PATCH may say of Boot. A property that is not sent keeps its value.
type bootPatch struct {
	Boot struct {
		Target  *string  `json:"BootSourceOverrideTarget"`
		Enabled *string  `json:"BootSourceOverrideEnabled"`
		Mode    *string  `json:"BootSourceOverrideMode"`
		Order   []string `json:"BootOrder"`
	}
}

// apply checks and takes over what the patch says.
func (p bootPatch) apply(o override) (override, error) {
	for _, property := range []struct {
		sent    *string
		allowed []string
		into    *string
	}{
		{p.Boot.Target, targets, &o.Target},
		{p.Boot.Enabled, enablers, &o.Enabled},
		{p.Boot.Mode, modes, &o.Mode},
	} {
		if property.sent == nil {
			continue
		}
		if !slices.Contains(property.allowed, *property.sent) {
			return o, fmt.Errorf("value %q: want one of %v", *property.sent, property.allowed)
		}
		*property.into = *property.sent
	}
	return o, nil
}

// setOverride keeps an override, or does with it what a fault says.
func (b *BMC) setOverride(o override) {
	b.version++
	o.until = time.Time{}
	if f, struck := b.strikeLocked(ForgetsBoot); struck {
		o.until = time.Now().Add(f.Delay)
	}
	if _, struck := b.strikeLocked(DisablesBoot); struck {
		o.Enabled = disabled
	}
	if o.Enabled == "Once" {
		if _, struck := b.strikeLocked(ContinuousBoot); struck {
			o.Enabled = "Continuous"
		}
	}
	b.override = o
}

// currentOverride is the override, unless it was forgotten meanwhile.
func (b *BMC) currentOverride() override {
	if u := b.override.until; !u.IsZero() && !time.Now().Before(u) {
		b.override = b.factoryBoot()
	}
	return b.override
}

// useOverride is what a boot does: it takes the override, which is gone then
// if it was meant for one boot.
func (b *BMC) useOverride() metal.BootDevice {
	o := b.currentOverride()
	if o.Enabled == "Once" {
		b.version++
		b.override.Target, b.override.Enabled = noTarget, disabled
	}
	if o.Enabled == disabled {
		return ""
	}
	switch o.Target {
	case "Pxe", "UefiHttp":
		return metal.BootNetwork
	case "Hdd":
		return metal.BootDisk
	}
	return ""
}
