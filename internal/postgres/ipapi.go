package postgres

import (
	"context"
	"fmt"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

// scopeOfAddress says whose a reservation, a project's own block, or a device's
// address is: they share one space of IDs.
func scopeOfAddress(ctx context.Context, q *query.Queries, id string) (metal.Scope, error) {
	row, err := q.ScopeOfAddress(ctx, id)
	return metal.Scope{Organization: metal.OrganizationID(row.Organization), Project: metal.ProjectID(row.Project)}, err
}

// ProjectBlocks are a project's reservations that last or wait, and what it has
// for its devices' links; the oldest first.
func (s *Store) ProjectBlocks(ctx context.Context, project metal.ProjectID) ([]metal.ProjectBlock, error) {
	rows, err := s.Queries().ProjectBlocks(ctx, string(project))
	if err != nil {
		return nil, fmt.Errorf("list the blocks of project %s: %w", project, err)
	}
	return each(rows, projectBlockOf), nil
}

// ProjectBlock is one of them; else metal.ErrNotFound.
func (s *Store) ProjectBlock(ctx context.Context, id string) (metal.ProjectBlock, error) {
	row, err := s.Queries().ProjectBlock(ctx, id)
	return projectBlockOf(row), notFound(err, "block %s", id)
}

func projectBlockOf(r query.ProjectBlock) metal.ProjectBlock {
	return metal.ProjectBlock{
		ID: r.ID, Project: metal.ProjectID(r.Project), Prefix: valid(r.Prefix), Family: int(r.Family), Bits: int(r.Len),
		Role: metal.Role(r.Role), Own: r.Own, State: metal.ReservationState(r.State), Site: metal.SiteID(r.Site), Metro: r.Metro,
		Since: r.At, Words: metal.Words{Details: r.Details, Tags: r.Tags, CustomData: r.CustomData},
	}
}

// Address is what a device has under an ID; else metal.ErrNotFound.
func (s *Store) Address(ctx context.Context, id string) (metal.Assignment, error) {
	row, err := s.Queries().AddressByID(ctx, id)
	return assignmentOf(row), notFound(err, "address %s", id)
}

// AddressesOf is all that a device has.
func (s *Store) AddressesOf(ctx context.Context, device metal.DeviceID) ([]metal.Assignment, error) {
	rows, err := s.Queries().AddressesOf(ctx, string(device))
	if err != nil {
		return nil, fmt.Errorf("list the addresses of device %s: %w", device, err)
	}
	return each(rows, assignmentOf), nil
}

// ElasticOf is what devices have of a project's reservations.
func (s *Store) ElasticOf(ctx context.Context, project metal.ProjectID) ([]metal.Assignment, error) {
	rows, err := s.Queries().ElasticOf(ctx, string(project))
	if err != nil {
		return nil, fmt.Errorf("list the elastic addresses of project %s: %w", project, err)
	}
	return each(rows, assignmentOf), nil
}

func assignmentOf(r query.HeldAddress) metal.Assignment {
	a := metal.Assignment{
		Lease:  metal.Lease{Prefix: r.Prefix, Role: metal.Role(r.Role), Site: metal.SiteID(r.Site), Elastic: r.Purpose == string(metal.Reservation)},
		Device: metal.DeviceID(r.Device), Project: metal.ProjectID(r.Project), Metro: r.Metro, Block: r.Block,
		Own: r.Purpose == string(metal.Own), Reservation: r.Reservation, Details: r.Details, Tags: r.Tags, CustomData: r.CustomData,
	}
	if r.TakenAt != nil {
		a.Since = *r.TakenAt
	}
	return a
}

// RoomiestSites are the sites of a metro, the one with most free public
// addresses of a family first.
func (s *Store) RoomiestSites(ctx context.Context, metro string, family int) ([]metal.SiteID, error) {
	rows, err := s.Queries().RoomiestSites(ctx, query.RoomiestSitesParams{Metro: metro, Family: int32(family)})
	if err != nil {
		return nil, fmt.Errorf("sites of metro %s by their room: %w", metro, err)
	}
	return typed[metal.SiteID](rows), nil
}
