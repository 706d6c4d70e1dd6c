package postgres

import (
	"context"
	"fmt"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

// FindDevices lists a page of a project's devices, or of an organization's, and
// counts them all.
func (s *Store) FindDevices(ctx context.Context, f metal.DeviceFilter, page metal.Page) ([]metal.DeviceView, int, error) {
	find := query.FindDevicesParams{
		Project: string(f.Project), Organization: string(f.Organization), Batch: f.Batch, Search: f.Search,
		Hostname: f.Hostname, Tag: f.Tag, State: f.State, Mac: f.MAC, BySite: f.Sites != nil, Sites: words(f.Sites),
		ByReserved: f.Reserved != nil, Reserved: value(f.Reserved), ByTermination: f.Terminates != nil, HasTermination: value(f.Terminates),
		Sort: f.Sort, Descending: f.Descending, Most: int32(page.Limit), Skip: int32(page.Offset),
	}
	rows, err := s.Queries().FindDevices(ctx, find)
	if err != nil {
		return nil, 0, fmt.Errorf("list devices: %w", err)
	}
	if len(rows) == 0 {
		total, err := s.countDevices(ctx, find)
		return nil, total, err
	}
	ids := make([]metal.DeviceID, len(rows))
	for i, row := range rows {
		ids[i] = metal.DeviceID(row.ID)
	}
	views, err := s.DeviceViews(ctx, ids)
	return views, int(rows[0].Total), err
}

// countDevices counts what a list has whose page lies behind its end.
func (s *Store) countDevices(ctx context.Context, find query.FindDevicesParams) (int, error) {
	if find.Skip == 0 {
		return 0, nil
	}
	find.Most, find.Skip = 1, 0
	rows, err := s.Queries().FindDevices(ctx, find)
	if err != nil || len(rows) == 0 {
		return 0, err
	}
	return int(rows[0].Total), nil
}
