package bmc

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"

	"millwright/internal/metal"
)

const (
	requestLimit = 30 * time.Second // slowest answer that was still one: some 20 s, from a BMC busy with its own inventory
	settleLimit  = 20 * time.Second // a forced power-off shows within some 10 s on the slowest BMCs
)

// Driver speaks to BMCs: with one session at a time to each, and no faster than
// each endures. Its zero value lacks only Credentials. It is safe for concurrent use, and must not be copied.
type Driver struct {
	Credentials func(ctx context.Context, name string) (metal.Credential, error)
	Log         *slog.Logger  // nothing is logged if nil
	Ipmitool    string        // path of the program; looked up in PATH if empty
	Request     time.Duration // how long one request or ipmitool command may take; 30 s if zero
	Settle      time.Duration // how long power may take to read back as set; 20 s if zero

	// Yield, if set, has other processes close the console of a BMC that holds
	// one session, before a command. Its own the driver closes by itself.
	Yield func(ctx context.Context, b metal.BMC) (resume func(), err error)

	// Ledger, if set, gives turns at BMCs among processes, and keeps what was
	// learnt of each. Without one this process is taken to be alone.
	Ledger Ledger

	// Observe, if set, is told of each conversation: what was done, how it ended
	// (one of the Outcomes), and how long it took once it was its turn.
	Observe func(b metal.BMC, verb, outcome string, took time.Duration)

	// Sent, if set, is told of each command just before it is sent.
	Sent func(b metal.BMC, at time.Time)

	governors governors
	yields    yields

	naming sync.Once
	name   string
	dial   func(ctx context.Context, network, address string) (net.Conn, error) // the network's if nil
}

// Power reads the power state. It waits out a change that is under way.
func (d *Driver) Power(ctx context.Context, b metal.BMC) (metal.Power, error) {
	var power metal.Power
	err := d.during(ctx, b, "read power", func(ctx context.Context, s session) (err error) {
		power, err = d.readPower(ctx, s)
		return err
	})
	return power, err
}

// SetPower brings power to what is wanted and returns once it reads back so.
// It changes nothing if it is so already. Off is at once, without asking the
// operating system; there is no cycle, which is Off, then On.
func (d *Driver) SetPower(ctx context.Context, b metal.BMC, want metal.Power) error {
	if want != metal.On && want != metal.Off {
		return fmt.Errorf("machine %s: power %q: want on or off: %w", b.Machine, want, metal.ErrUnsupported)
	}
	return d.during(ctx, b, "power "+string(want), func(ctx context.Context, s session) error {
		return d.switchTo(ctx, s, want)
	})
}

// BootOnce sets the device for the next boot alone and reads it back. Many
// BMCs forget it after 60 s: PowerOn does both in one session.
func (d *Driver) BootOnce(ctx context.Context, b metal.BMC, device metal.BootDevice, fw metal.Firmware) error {
	return d.during(ctx, b, "boot from "+string(device), func(ctx context.Context, s session) error {
		return d.bootOnce(ctx, s, b, device, fw)
	})
}

// PowerOn switches a machine on that is off, so that it boots from the device.
// A machine that is on already is left alone, override included: it was an
// earlier attempt of this step that switched it on, or somebody whose boot a
// late override would not reach anyhow, but would spoil the one after.
func (d *Driver) PowerOn(ctx context.Context, b metal.BMC, device metal.BootDevice, fw metal.Firmware) error {
	return d.during(ctx, b, "power on from "+string(device), func(ctx context.Context, s session) error {
		power, err := d.readPower(ctx, s)
		if err != nil {
			return err
		}
		if power == metal.On {
			d.log().InfoContext(ctx, "machine is on already", "machine", b.Machine, "bmc", b.Address)
			return nil
		}
		if err := d.bootOnce(ctx, s, b, device, fw); err != nil {
			return err
		}
		return d.switchTo(ctx, s, metal.On)
	})
}

func (d *Driver) log() *slog.Logger {
	if d.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return d.Log
}

// holder names this driver among all: no two have the same name, and an
// operator can tell where it runs.
func (d *Driver) holder() string {
	d.naming.Do(func() {
		host, err := os.Hostname()
		if err != nil {
			host = "unknown"
		}
		d.name = fmt.Sprintf("%s/%d/%s", host, os.Getpid(), rand.Text()[:8])
	})
	return d.name
}

func (d *Driver) request() time.Duration { return cmp.Or(d.Request, requestLimit) }
func (d *Driver) settle() time.Duration  { return cmp.Or(d.Settle, settleLimit) }
