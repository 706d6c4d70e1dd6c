package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"millwright/internal/lab"
	"millwright/internal/metal"
)

// What labs have.
const (
	plan   = "c1.small"
	system = "debian_12"
	metro  = "lab"
)

// sites are so many that none is larger than a lab can be, and that there are
// machines left for what is created.
const (
	sites       = 3
	spare       = 400 // machines of each site
	fillers     = 8
	perOrg      = 50
	publicBits  = 17 // of each site's part of what RFC 2544 set aside
	privateBits = 14
)

// fill makes the database: sites, tenants, and devices as their runs leave them,
// by the store's own verbs.
func (b *bench) fill(ctx context.Context, w *world) error {
	began := time.Now()
	for i := range sites {
		if err := b.site(ctx, w, i); err != nil {
			return err
		}
	}
	if err := b.tenants(ctx, w); err != nil {
		return err
	}
	b.deviceIDs = make([]string, b.devices)
	var done atomic.Int64
	group, filling := errgroup.WithContext(ctx)
	group.SetLimit(fillers)
	for i := range b.devices {
		group.Go(func() (err error) {
			b.deviceIDs[i], err = b.device(filling, w, i)
			if n := done.Add(1); n%2000 == 0 {
				fmt.Printf("%d devices after %.0f s\n", n, time.Since(began).Seconds())
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	_, err := w.sql.Exec(ctx, "vacuum analyze")
	return err
}

func (b *bench) site(ctx context.Context, w *world, i int) error {
	name := fmt.Sprintf("lab%d", i+1)
	size := lab.Size{Name: name, Prefix: name, Machines: b.devices/sites + spare, Net: 64 + i}
	described, err := lab.Generate(size)
	if err != nil {
		return err
	}
	for at := range described.Blocks {
		block := &described.Blocks[at]
		block.Prefix = wider(block.Prefix, block.Role, i)
	}
	_, err = w.store.ImportSite(ctx, described)
	return err
}

// wider has room for a /25 of each project at each site, and gives each site
// public addresses of its own: labs are smaller, and have the same ones.
func wider(p netip.Prefix, role metal.Role, site int) netip.Prefix {
	switch {
	case role == metal.Private:
		return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(64 + 4*site)}), privateBits)
	case role == metal.Public && p.Addr().Is4():
		return netip.PrefixFrom(netip.AddrFrom4([4]byte{198, byte(18 + site/2), byte(site % 2 << 7)}), publicBits)
	}
	return p
}

// tenants makes projects, each with a key: limits of requests are each caller's.
func (b *bench) tenants(ctx context.Context, w *world) error {
	org := ""
	for i := range b.projects {
		if i%perOrg == 0 {
			org = uuid.NewString()
			if _, err := w.sql.Exec(ctx, "insert into organizations (id, name) values ($1, $2)", org, fmt.Sprint("organization ", i/perOrg)); err != nil {
				return err
			}
		}
		project, key := uuid.NewString(), "bench-"+uuid.NewString()
		if _, err := w.sql.Exec(ctx, "insert into projects (id, organization, name) values ($1, $2, $3)", project, org, fmt.Sprint("project ", i)); err != nil {
			return err
		}
		if _, err := w.sql.Exec(ctx, "insert into api_keys (id, project, hash) values ($1, $2, sha256($3))", uuid.NewString(), project, []byte(key)); err != nil {
			return err
		}
		b.projectIDs, b.keys = append(b.projectIDs, project), append(b.keys, key)
	}
	return nil
}

// device is one that is active, with machine, port and addresses.
func (b *bench) device(ctx context.Context, w *world, i int) (string, error) {
	raw, err := json.Marshal(metal.OrderInput{
		Action: metal.ActionProvision, Project: metal.ProjectID(b.projectIDs[i%len(b.projectIDs)]), Site: metal.SiteID(fmt.Sprintf("lab%d", i%sites+1)),
		Plan: plan, OperatingSystem: system, Hostname: fmt.Sprintf("web-%d", i), Tags: []string{"web", fmt.Sprint("rack-", i%40)},
	})
	if err != nil {
		return "", err
	}
	order, err := metal.ParseOrder(metal.OrderID(fmt.Sprintf("fill-%d", i)), raw)
	if err != nil {
		return "", err
	}
	if _, err := w.store.RecordOrder(ctx, order); err != nil {
		return "", err
	}
	held, err := w.store.ClaimMachine(ctx, order.Device, order.ID)
	if err != nil {
		return "", err
	}
	if _, err := w.store.SetPorts(ctx, held.Claim, metal.Tenant); err != nil {
		return "", err
	}
	return string(order.Device), w.store.ActivateDevice(ctx, held.Claim, metal.Ending{Order: order.ID, State: metal.Active})
}
