package postgres

import (
	"context"
	"fmt"

	"millwright/internal/metal"
)

// Capacity counts the machines that are there for everybody: not those that are
// kept for a project.
func (s *Store) Capacity(ctx context.Context) ([]metal.Stock, error) {
	rows, err := s.Queries().Capacity(ctx)
	if err != nil {
		return nil, fmt.Errorf("count machines: %w", err)
	}
	stock := make([]metal.Stock, len(rows))
	for i, row := range rows {
		stock[i] = metal.Stock{
			Site: metal.SiteID(row.Site), Metro: row.Metro, Plan: metal.PlanID(row.Plan),
			Machines: int(row.Machines), Free: int(row.Free),
		}
	}
	return stock, nil
}
