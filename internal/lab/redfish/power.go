package redfish

import (
	"time"

	"millwright/internal/metal"
)

// Power is what the machine behind the BMC is, or will be once the chassis has
// worked off its commands. It is the truth, whatever the BMC says over HTTP.
func (b *BMC) Power() metal.Power {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.power
}

// MachineOff is the machine's own word that it powered itself off. While a
// command waits for the chassis the word is about an earlier boot, and is ignored.
func (b *BMC) MachineOff() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.commands) == 0 {
		b.power, b.says = metal.Off, metal.Off
	}
}

// MachineReboot is the machine's own word that it restarts from inside. It
// answers with the boot override, which this boot uses up.
func (b *BMC) MachineReboot() metal.BootDevice {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.passPOST()
	return b.useOverride()
}

// switchOn and switchOff change what is said and what is, or only one of both
// if a lie was asked for. Both want the lock.
func (b *BMC) switchOn() {
	b.begin()
	if _, struck := b.strikeLocked(IgnoresPower); struck {
		return
	}
	b.says = metal.On
	if _, struck := b.strikeLocked(LiesOn); struck || b.power == metal.On {
		return
	}
	b.power = metal.On
	b.passPOST()
	device := b.useOverride()
	b.command(func() { b.chassis.PowerOn(device) })
}

func (b *BMC) switchOff() {
	b.begin()
	if _, struck := b.strikeLocked(IgnoresPower); struck {
		return
	}
	b.says = metal.Off
	if _, struck := b.strikeLocked(LiesOff); struck || b.power == metal.Off {
		return
	}
	b.power = metal.Off
	b.command(b.chassis.PowerOff)
}

// begin marks a change of power as under way for as long as SlowPower says.
func (b *BMC) begin() {
	b.version++
	if f, struck := b.strikeLocked(SlowPower); struck {
		b.settled = time.Now().Add(f.Delay)
	}
}

// powerState is the PowerState property: what the BMC says.
func (b *BMC) powerState() string {
	under := time.Now().Before(b.settled)
	switch {
	case b.says == metal.On && under:
		return "PoweringOn"
	case b.says == metal.On:
		return "On"
	case under:
		return "PoweringOff"
	}
	return "Off"
}

// command queues work for the chassis. The goroutine that does it lives only
// while there is some, so that an idle BMC costs none.
func (b *BMC) command(do func()) {
	b.commands = append(b.commands, do)
	if !b.working {
		b.working = true
		go b.work()
	}
}

func (b *BMC) work() {
	for {
		b.mu.Lock()
		if len(b.commands) == 0 {
			b.working, b.commands = false, nil
			b.mu.Unlock()
			return
		}
		do := b.commands[0]
		b.commands = b.commands[1:]
		b.mu.Unlock()
		do()
	}
}
