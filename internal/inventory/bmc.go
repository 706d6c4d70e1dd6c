package inventory

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"time"
)

// BMC is the machine's management controller, asked from inside.
type BMC struct {
	Firmware     string `json:"firmware,omitempty"`
	IPMI         string `json:"ipmi,omitempty"`         // the version that it speaks
	Manufacturer int    `json:"manufacturer,omitempty"` // its IANA enterprise number
	Product      int    `json:"product,omitempty"`
	MAC          string `json:"mac,omitempty"`
	Address      string `json:"address,omitempty"` // none while DHCP has not answered
}

// controller sends a command to the BMC, and gives what follows its completion
// code. It returns when ctx ends.
type controller interface {
	Do(ctx context.Context, function, command byte, data ...byte) ([]byte, error)
	io.Closer
}

// ipmiTimeout is for all questions together. A BMC that is busy takes seconds
// for each; one that hangs must not hold up the inventory.
const ipmiTimeout = 20 * time.Second

const ipmiDevice = "dev/ipmi0"

func (r *reader) bmc(ctx context.Context) {
	if !r.live() {
		return
	}
	bmc, err := openIPMI(r.path(ipmiDevice))
	if errors.Is(err, os.ErrNotExist) {
		return // most virtual machines have none
	}
	if err != nil {
		r.note("BMC: %v", err)
		return
	}
	defer bmc.Close()
	ctx, cancel := context.WithTimeout(ctx, ipmiTimeout)
	defer cancel()
	r.askBMC(ctx, bmc)
}

// Functions and commands (IPMI 2.0, tables 5-1 and G-1).
const (
	functionApp       = 0x06
	functionTransport = 0x0c
	getDeviceID       = 0x01
	getLAN            = 0x02
)

func (r *reader) askBMC(ctx context.Context, bmc controller) {
	id, err := bmc.Do(ctx, functionApp, getDeviceID)
	if err != nil || len(id) < 11 {
		r.note("BMC: get device ID: %d bytes: %v", len(id), err)
		return
	}
	// Section 20.1: the minor half of the firmware is BCD, the version has its
	// digits swapped.
	r.found.BMC = &BMC{
		Firmware:     fmt.Sprintf("%d.%02x", id[2]&0x7f, id[3]),
		IPMI:         fmt.Sprintf("%d.%d", id[4]&0xf, id[4]>>4),
		Manufacturer: int(id[6]) | int(id[7])<<8 | int(id[8])&0xf<<16,
		Product:      int(id[9]) | int(id[10])<<8,
	}
	if err := r.found.BMC.lan(ctx, bmc); err != nil {
		r.note("BMC: %v", err)
	}
}

// lan finds the first channel that has a MAC address (section 23.2). It is 1 on
// most boards, and 8 on some of Intel's.
func (b *BMC) lan(ctx context.Context, bmc controller) error {
	const parameterAddress, parameterMAC = 3, 5
	var last error
	for channel := byte(1); channel <= 11 && ctx.Err() == nil; channel++ {
		mac, err := bmc.Do(ctx, functionTransport, getLAN, channel, parameterMAC, 0, 0)
		if err != nil || len(mac) < 7 { // a revision comes first
			last = err
			continue
		}
		b.MAC = net.HardwareAddr(mac[1:7]).String()
		ip, err := bmc.Do(ctx, functionTransport, getLAN, channel, parameterAddress, 0, 0)
		if err != nil {
			return fmt.Errorf("get the address of channel %d: %w", channel, err)
		}
		if len(ip) >= 5 {
			if addr := netip.AddrFrom4([4]byte(ip[1:5])); !addr.IsUnspecified() {
				b.Address = addr.String()
			}
		}
		return nil
	}
	return fmt.Errorf("no channel has a MAC address: %w", errors.Join(last, ctx.Err()))
}
