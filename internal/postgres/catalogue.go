package postgres

import (
	"context"
	"encoding/json"
	"fmt"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

// Catalogue reads what tenants choose from.
func (s *Store) Catalogue(ctx context.Context) (metal.Catalogue, error) {
	catalogue, err := catalogueOf(ctx, s.Queries())
	if err != nil {
		return catalogue, fmt.Errorf("read the catalogue: %w", err)
	}
	return catalogue, nil
}

func catalogueOf(ctx context.Context, q *query.Queries) (all metal.Catalogue, err error) {
	plans, err := q.CataloguePlans(ctx)
	if err != nil {
		return all, err
	}
	for _, row := range plans {
		plan, err := planOf(row)
		if err != nil {
			return all, err
		}
		all.Plans = append(all.Plans, plan)
	}
	systems, err := q.AllOperatingSystems(ctx)
	if err != nil {
		return all, err
	}
	for _, row := range systems {
		all.Systems = append(all.Systems, systemOf(row))
	}
	sites, err := q.CatalogueSites(ctx)
	for _, row := range sites {
		all.Sites = append(all.Sites, metal.Site{ID: metal.SiteID(row.ID), Metro: row.Metro})
	}
	return all, err
}

func planOf(row query.CataloguePlansRow) (metal.Plan, error) {
	var h hardwareRecord
	if err := json.Unmarshal(row.Hardware, &h); err != nil {
		return metal.Plan{}, fmt.Errorf("plan %s: its hardware: %w", row.ID, err)
	}
	return metal.Plan{
		ID: metal.PlanID(row.ID), Description: row.Description, Cores: h.Cores, MemoryGiB: h.MemoryGiB, DisksGB: h.DisksGB,
		NICs: int(row.Nics), Sites: typed[metal.SiteID](row.Sites),
	}, nil
}

func systemOf(row query.AllOperatingSystemsRow) metal.OfferedSystem {
	system := metal.OfferedSystem{Plans: typed[metal.PlanID](row.Plans)}
	system.OperatingSystem = metal.OperatingSystem{
		ID: metal.OperatingSystemID(row.ID), Name: row.Name, Distro: row.Distro, Version: row.Version,
		Arch: row.Arch, FirstBoot: metal.FirstBootMethod(row.FirstBoot),
	}
	if row.Image != nil {
		system.Image = metal.Image{ID: *row.Image, Size: *row.Size}
	}
	return system
}

// typed gives names from the database the type of what they name.
func typed[T ~string](names []string) []T {
	all := make([]T, len(names))
	for i, name := range names {
		all[i] = T(name)
	}
	return all
}
