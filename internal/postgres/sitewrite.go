package postgres

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

// installBits is the length of an install link: two addresses.
const installBits = 31

// write makes the database say what the file says, in the order of references.
func (im *siteImport) write(ctx context.Context) error {
	for _, part := range []func(context.Context) error{
		im.writeSite, im.writeZones, im.writeAggregates, im.writeBlocks, im.writePlans, im.writeSystems, im.writeRacks, im.writeSwitches, im.writeMachines,
	} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (im *siteImport) writeSite(ctx context.Context) error {
	f := im.file
	var before facts
	was, known := im.was.sites[string(f.ID)]
	if known {
		before = siteFacts(was)
	}
	row := query.Site{
		ID: string(f.ID), Metro: f.Metro, Boot: f.Boot,
		AsNumber: orNull(f.BGP.AS), PeerAs: orNull(f.BGP.PeerAS), BgpAddresses: notNil(f.BGP.Addresses),
		PowerBudget: given(int32(f.PowerBudget)),
	}
	if !im.note("site", row.ID, before, siteFacts(row)) {
		return nil
	}
	err := im.q.UpsertSite(ctx, query.UpsertSiteParams{
		ID: row.ID, Metro: row.Metro, Boot: row.Boot,
		AsNumber: f.BGP.AS, PeerAs: f.BGP.PeerAS, BgpAddresses: row.BgpAddresses,
		PowerBudget: int32(f.PowerBudget),
	})
	if err != nil || !known || networkFacts(was).difference(networkFacts(row)) == "" {
		return err
	}
	return im.q.TouchPortsOfSite(ctx, string(f.ID))
}

func siteFacts(s query.Site) facts {
	return append(networkFacts(s), "power_budget_w", value(s.PowerBudget))
}

// networkFacts are what a change of moves every port of the site.
func networkFacts(s query.Site) facts {
	return facts{"metro", s.Metro, "boot", s.Boot, "bgp", fmt.Sprint(number(s.AsNumber), number(s.PeerAs), s.BgpAddresses)}
}

func orNull(n int64) *int64 {
	if n == 0 {
		return nil
	}
	return &n
}

func number(n *int64) int64 {
	if n == nil {
		return 0
	}
	return *n
}

func (im *siteImport) writePlans(ctx context.Context) error {
	for _, p := range im.file.Plans {
		row, err := planRow(p)
		if err != nil {
			return fmt.Errorf("plan %s: %w", p.ID, err)
		}
		after, err := planFacts(query.Plan(row))
		if err != nil {
			return err
		}
		var before facts
		if was, known := im.was.plans[row.ID]; known {
			if before, err = planFacts(was); err != nil {
				return err
			}
		}
		if !im.note("plan", row.ID, before, after) {
			continue
		}
		if err := im.q.UpsertPlan(ctx, row); err != nil {
			return fmt.Errorf("plan %s: %w", p.ID, err)
		}
	}
	return nil
}

// writeSystems adds plans to a system and takes none away: sites share the
// catalogue, and a device may live on the pair.
func (im *siteImport) writeSystems(ctx context.Context) error {
	for _, o := range im.file.OperatingSystems {
		row := query.UpsertOperatingSystemParams{
			ID: string(o.ID), Name: o.Name, Distro: o.Distro, Version: o.Version,
			Arch: o.Arch, FirstBoot: string(o.FirstBoot), Image: o.Image.ID, Size: o.Image.Size,
		}
		was, known := im.was.systems[row.ID]
		plans := slices.Clone(was.Plans)
		for _, p := range o.Plans {
			plans = append(plans, string(p))
		}
		slices.Sort(plans)
		after := query.AllOperatingSystemsRow{ID: row.ID, Name: row.Name, Distro: row.Distro, Version: row.Version,
			Arch: row.Arch, FirstBoot: row.FirstBoot, Image: given(row.Image), Size: given(row.Size), Plans: slices.Compact(plans)}
		var before facts
		if known {
			slices.Sort(was.Plans) // Postgres may sort by another alphabet
			before = systemFacts(was)
		}
		if !im.note("operating system", row.ID, before, systemFacts(after)) {
			continue
		}
		if err := im.writeSystem(ctx, row, o.Plans); err != nil {
			return fmt.Errorf("operating system %s: %w", o.ID, err)
		}
	}
	return nil
}

func systemFacts(o query.AllOperatingSystemsRow) facts {
	return facts{"name", o.Name, "distro", o.Distro, "version", o.Version, "arch", o.Arch, "first_boot", o.FirstBoot,
		"image", value(o.Image), "size", value(o.Size), "plans", o.Plans}
}

// given is a column that is null where the site file says nothing.
func given[T comparable](v T) *T {
	if v == *new(T) {
		return nil
	}
	return &v
}

func value[T any](v *T) (is T) {
	if v != nil {
		is = *v
	}
	return is
}

func (im *siteImport) writeSystem(ctx context.Context, row query.UpsertOperatingSystemParams, plans []metal.PlanID) error {
	if err := im.q.UpsertOperatingSystem(ctx, row); err != nil {
		return err
	}
	for _, plan := range plans {
		pair := query.UpsertPlanOperatingSystemParams{Plan: string(plan), OperatingSystem: row.ID}
		if err := im.q.UpsertPlanOperatingSystem(ctx, pair); err != nil {
			return err
		}
	}
	return nil
}

func (im *siteImport) writeRacks(ctx context.Context) error {
	for _, rack := range im.file.Racks {
		var before facts
		if slices.Contains(im.was.racks, string(rack)) {
			before = facts{}
		}
		if !im.note("rack", string(rack), before, facts{}) {
			continue
		}
		if err := im.q.UpsertRack(ctx, query.UpsertRackParams{Site: string(im.file.ID), ID: string(rack)}); err != nil {
			return fmt.Errorf("rack %s: %w", rack, err)
		}
	}
	return nil
}

func (im *siteImport) writeSwitches(ctx context.Context) error {
	var rows []query.Switch
	var moved []string
	for _, s := range im.file.Switches {
		row := query.Switch{ID: string(s.ID), Site: string(im.file.ID), Rack: string(s.Rack),
			Address: s.Address, HostKey: s.HostKey, Credential: s.Credential, Driver: cmp.Or(s.Driver, "junos"), FilterTerms: int32(s.FilterTerms)}
		var before facts
		if was, known := im.was.switches[row.ID]; known {
			before = switchFacts(was)
		}
		if im.note("switch", row.ID, before, switchFacts(row)) {
			rows, moved = append(rows, row), append(moved, row.ID)
		}
	}
	if err := im.q.VacateSwitchAddresses(ctx, notNil(moved)); err != nil {
		return err
	}
	for _, row := range rows {
		err := im.q.UpsertSwitch(ctx, query.UpsertSwitchParams{
			ID: row.ID, Site: row.Site, Rack: row.Rack, Address: row.Address, HostKey: row.HostKey, Credential: row.Credential,
			Driver: row.Driver, FilterTerms: row.FilterTerms,
		})
		if err != nil {
			return fmt.Errorf("switch %s: %w", row.ID, err)
		}
	}
	return nil
}

func switchFacts(s query.Switch) facts {
	return facts{"site", s.Site, "rack", s.Rack, "address", s.Address, "host_key", s.HostKey, "credential", s.Credential,
		"driver", s.Driver, "filter_terms", s.FilterTerms}
}

// installBlocks are the site's, from which every port has its permanent link.
func (im *siteImport) installBlocks(ctx context.Context) ([]netip.Prefix, error) {
	blocks, err := im.q.Pools(ctx, query.PoolsParams{Site: string(im.file.ID), Role: string(metal.Install), Family: 4})
	return prefixes(blocks), err
}

// link leases a port's install link, once and for ever.
func (im *siteImport) link(ctx context.Context, port metal.Port, blocks []netip.Prefix) error {
	if _, err := takeFrom(ctx, im.q, blocks, installBits, metal.PortHolder+port.String(), installAsk); err != nil {
		return fmt.Errorf("port %s: lease its install link: %w", port, err)
	}
	return nil
}

// installAsk is which of a port's leases its install link is: the only one.
const installAsk = "install"
