package machine

import (
	"context"
	"net/http"
	"time"

	"millwright/internal/metal"
)

// stage is one thing after the other in a machine's life: it does its part and
// names what comes next, or nil where the machine comes to rest.
type stage func(context.Context) stage

// life is what a machine remembers between power on and power off: its RAM.
type life struct {
	*Machine
	override metal.BootDevice // for the next boot only
	lease    lease
	client   *http.Client // over the wire, from the leased address
}

// post is the firmware from power on or reset until it chooses what to boot.
func (l *life) post(ctx context.Context) stage {
	l.enter(POST, "")
	if _, struck := l.strike(NeverBoots); struck {
		return l.hang("POST never ends")
	}
	began := time.Now()
	passed := wait(ctx, l.config.Post())
	l.tested(time.Since(began))
	if !passed {
		return nil
	}
	device := l.override
	l.override = ""
	if device == metal.BootNetwork {
		if _, struck := l.strike(BootsOldDisk); struck {
			device = ""
		}
	}
	if device == metal.BootNetwork || device == "" && !l.disks[0].Bootable() {
		return l.network
	}
	return l.disk
}

// tested adds to the time that the machine itself has taken.
func (l *life) tested(took time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.state.InPOST += took
}

// disk boots the first disk, in the order in which the firmware tries things:
// it is where the network boot falls through to as well.
func (l *life) disk(context.Context) stage {
	if !l.disks[0].Bootable() {
		l.enter(NoBootDevice, "disk "+l.disks[0].serial+" holds no system")
		return nil
	}
	return l.system
}

// network is the firmware's network boot: the ROM gets iPXE, iPXE gets a
// script. Where any of it fails the firmware goes on to its next boot device.
func (l *life) network(ctx context.Context) stage {
	rom, err := l.discover(ctx, romOf(l.config.Machine.Firmware))
	if err != nil || rom.bootFile == "" {
		return l.fallThrough(ctx, "network boot ROM: no boot file", err)
	}
	ipxe, err := l.discover(ctx, ipxeOn(l.config.Machine.Firmware))
	if err != nil || ipxe.bootFile == "" {
		return l.fallThrough(ctx, "iPXE: no script", err)
	}
	l.configure(ipxe)
	next, err := l.boot(ctx, ipxe.bootFile)
	if err != nil {
		return l.fallThrough(ctx, "boot script", err)
	}
	return next
}

// fallThrough goes on to the disk. It leaves a line in the log, because a
// machine that silently boots its disk is the riddle of every data centre.
func (l *life) fallThrough(ctx context.Context, what string, err error) stage {
	if ctx.Err() != nil {
		return nil
	}
	l.log.Info("network boot ends, disk is next", "at", what, "err", err)
	return l.disk
}

// hang leaves the machine with power and without a thought.
func (l *life) hang(why string) stage {
	l.enter(Hung, why)
	return nil
}

// shutdown is from a system's decision to power off until power is off. Kernels
// take seconds; without any, a machine would be off again before whoever
// switched it on could read back that it is on.
const shutdown = 300 * time.Millisecond

// powerOff is the machine's own doing, as opposed to its BMC's.
func (l *life) powerOff(ctx context.Context) stage {
	if !wait(ctx, shutdown) {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if ctx.Err() != nil {
		return nil // the BMC was quicker, and may have given power again
	}
	l.dark()
	// Under the lock, so that the BMC cannot give power between the machine's
	// going dark and its saying so.
	l.config.Off()
	return nil
}

// reboot is a warm reset: disks keep their content, RAM does not.
func (l *life) reboot(context.Context) stage {
	l.hangUp()
	l.lease = lease{}
	l.override = l.config.Restart()
	return l.post
}
