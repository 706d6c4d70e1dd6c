//go:build linux

package ramsystem

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/vishvananda/netlink"
)

// look is how often a carrier or a partner is looked for.
const look = 100 * time.Millisecond

func raise(name string) error {
	link, err := netlink.LinkByName(name)
	if err == nil {
		err = netlink.LinkSetUp(link)
	}
	if err != nil {
		return fmt.Errorf("raise %s: %w", name, err)
	}
	return nil
}

// carrier waits until a link's other end is there.
func carrier(ctx context.Context, name string) error {
	return await(ctx, func() (bool, error) {
		link, err := netlink.LinkByName(name)
		if err != nil {
			return false, fmt.Errorf("look at %s: %w", name, err)
		}
		// The kernel gives up on a state that a driver never reports.
		state := link.Attrs().OperState
		return state == netlink.OperUp || state == netlink.OperUnknown, nil
	}, name+" has no carrier: a cable, or the switch's port")
}

// await asks until the answer is yes. missing is what to say at ctx's end.
func await(ctx context.Context, ask func() (bool, error), missing string) error {
	ticker := time.NewTicker(look)
	defer ticker.Stop()
	for {
		if yes, err := ask(); yes || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return errors.New(missing)
		case <-ticker.C:
		}
	}
}

const bondName = "bond0"

// askBond asks on a bond of the NICs that the command line names. Where nobody
// answers the bond is taken apart: a switch whose port is not in a bundle, or
// falls back without LACP, answers each NIC alone.
func (s *System) askBond(ctx context.Context) (holding, error) {
	// By itself the module would make a bond0 of the wrong kind.
	if s.modules != nil {
		s.modules.options["bonding"] = "max_bonds=0"
		if err := s.modules.wanted(ctx, "bonding"); err != nil {
			return holding{}, err
		}
	}
	if err := makeBond(s.arguments.bond); err != nil {
		return holding{}, errors.Join(err, removeBond())
	}
	got, err := askOnBond(ctx)
	if err != nil {
		return holding{}, errors.Join(err, removeBond())
	}
	return got, nil
}

func askOnBond(ctx context.Context) (holding, error) {
	if err := raise(bondName); err != nil {
		return holding{}, err
	}
	if err := partner(ctx); err != nil {
		return holding{}, err
	}
	return askOn(ctx, bondName)
}

// makeBond makes the bond anew: an agent that ended may have left one.
func makeBond(macs []string) error {
	if err := removeBond(); err != nil {
		return err
	}
	bond := netlink.NewLinkBond(netlink.LinkAttrs{Name: bondName})
	bond.Mode = netlink.BOND_MODE_802_3AD
	bond.LacpRate = netlink.BOND_LACP_RATE_FAST
	bond.Miimon = 100
	// Many boots carry one stream; over layer 3 and 4 several use both links.
	bond.XmitHashPolicy = netlink.BOND_XMIT_HASH_POLICY_LAYER3_4
	if err := netlink.LinkAdd(bond); err != nil {
		return fmt.Errorf("make the bond: %w", err)
	}
	links, err := nics()
	if err != nil {
		return err
	}
	joined := 0
	for _, mac := range macs {
		for _, link := range links {
			if link.Attrs().HardwareAddr.String() != mac {
				continue
			}
			if err := join(bond, link); err != nil {
				return err
			}
			joined++
		}
	}
	if joined == 0 {
		return fmt.Errorf("make the bond: no network interface has one of the MACs %s", strings.Join(macs, ", "))
	}
	return nil
}

// join gives a NIC to the bond. The kernel wants it down.
func join(bond *netlink.Bond, link netlink.Link) error {
	name := link.Attrs().Name
	if err := netlink.LinkSetDown(link); err != nil {
		return fmt.Errorf("take %s down for the bond: %w", name, err)
	}
	if err := netlink.LinkSetBondSlave(link, bond); err != nil {
		return fmt.Errorf("put %s into the bond: %w", name, err)
	}
	return nil
}

func removeBond() error {
	link, err := netlink.LinkByName(bondName)
	if missing := (netlink.LinkNotFoundError{}); errors.As(err, &missing) {
		return nil
	}
	if err == nil {
		err = netlink.LinkDel(link)
	}
	if err != nil {
		return fmt.Errorf("take the bond apart: %w", err)
	}
	return nil
}

// partner waits until somebody speaks LACP at the other end. The bond has a
// carrier before that: the kernel uses one link of it alone.
func partner(ctx context.Context) error {
	file := filepath.Join("/sys/class/net", bondName, "bonding/ad_partner_mac")
	return await(ctx, func() (bool, error) {
		text, err := os.ReadFile(file)
		if err != nil {
			return false, fmt.Errorf("look for the bond's partner: %w", err)
		}
		mac, err := net.ParseMAC(strings.TrimSpace(string(text)))
		return err == nil && mac.String() != "00:00:00:00:00:00", nil
	}, "nobody speaks LACP at the other end of the bond")
}
