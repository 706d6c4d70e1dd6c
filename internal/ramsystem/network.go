//go:build linux

package ramsystem

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/vishvananda/netlink"
)

const (
	// attempt is how long one round of asking lasts. Spanning tree eats the
	// first 30 s of a link, and some 25 Gb/s links train for 10 s.
	attempt = time.Minute
	// respite between two rounds, so that a console can be read.
	respite = 5 * time.Second
	// trunkAttempt is how long an LACP bond may take, partner and answer
	// together: a fast partner speaks every second, a slow one every 30 s.
	trunkAttempt = 40 * time.Second
)

// Network returns once this machine has an address, and no new disk has
// appeared for a moment. It tries for ever, and says on the console what is
// missing. The address is kept, and renewed, until Leave.
func (s *System) Network(ctx context.Context) error {
	if err := raise("lo"); err != nil {
		s.log.Warn("the loopback interface stays down", "error", err)
	}
	for {
		got, err := s.ask(ctx)
		if err == nil {
			s.keep(ctx, got)
			return s.settle(ctx)
		}
		if ctx.Err() != nil {
			return fmt.Errorf("wait for an address: %w", ctx.Err())
		}
		s.log.Error("this machine has no network yet, and goes on trying", "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(respite):
		}
	}
}

// holding is a lease at work.
type holding struct {
	link  string
	lease lease
	asker asker
}

// ask does one round: the bond where one is wanted, then the NICs.
func (s *System) ask(ctx context.Context) (holding, error) {
	var bonded error
	if len(s.arguments.bond) > 0 {
		within, cancel := context.WithTimeout(ctx, trunkAttempt)
		defer cancel()
		var got holding
		if got, bonded = s.askBond(within); bonded == nil {
			return got, nil
		}
	}
	within, cancel := context.WithTimeout(ctx, attempt)
	defer cancel()
	names, err := s.candidates()
	if err != nil {
		return holding{}, errors.Join(bonded, err)
	}
	got, err := race(within, names)
	return got, errors.Join(bonded, err)
}

// candidates are the NICs to ask on: the one that the command line names, or
// all. Where the one is not there, which a wrong argument or a dead NIC makes
// so, all are better than none.
func (s *System) candidates() ([]string, error) {
	links, err := nics()
	if err != nil {
		return nil, err
	}
	var names []string
	for _, link := range links {
		if s.arguments.mac != "" && link.Attrs().HardwareAddr.String() == s.arguments.mac {
			return []string{link.Attrs().Name}, nil
		}
		names = append(names, link.Attrs().Name)
	}
	if len(names) == 0 {
		return nil, errors.New("no network interface has appeared: its driver is missing, or the firmware turned it off")
	}
	if s.arguments.mac != "" {
		s.log.Warn("no network interface has the MAC of the command line: asking on all", "mac", s.arguments.mac)
	}
	return names, nil
}

// nics are the Ethernet interfaces that stand for hardware.
func nics() ([]netlink.Link, error) {
	all, err := netlink.LinkList()
	if err != nil {
		return nil, fmt.Errorf("list network interfaces: %w", err)
	}
	var found []netlink.Link
	for _, link := range all {
		if link.Type() == "device" && link.Attrs().EncapType == "ether" {
			found = append(found, link)
		}
	}
	return found, nil
}

// race asks on all NICs at once, and takes what the first one gets.
func race(ctx context.Context, names []string) (holding, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type result struct {
		holding
		err error
	}
	results := make(chan result, len(names))
	for _, name := range names {
		go func() {
			got, err := askOn(ctx, name)
			results <- result{got, err}
		}()
	}
	var failed []string
	for range names {
		r := <-results
		if r.err == nil {
			return r.holding, nil
		}
		failed = append(failed, r.err.Error())
	}
	return holding{}, errors.New(strings.Join(failed, "; "))
}

// askOn waits for a link's carrier and asks there.
func askOn(ctx context.Context, name string) (holding, error) {
	if err := raise(name); err != nil {
		return holding{}, err
	}
	if err := carrier(ctx, name); err != nil {
		return holding{}, err
	}
	asker, err := newAsker(name)
	if err != nil {
		return holding{}, err
	}
	lease, err := asker.request(ctx)
	if err != nil {
		return holding{}, err
	}
	return holding{name, lease, asker}, nil
}

// settle waits until the hardware seems complete: what comes next is an
// inventory.
func (s *System) settle(ctx context.Context) error {
	select {
	case <-s.settled:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait until no new device appears: %w", ctx.Err())
	}
}
