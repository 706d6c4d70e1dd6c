package postgres

import (
	"context"
	"encoding/json"
	"fmt"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

// DeviceViews are devices with all that their tenants may know of them, in the
// order of their IDs; what is deleted is left out. However many there are, it
// takes three queries.
func (s *Store) DeviceViews(ctx context.Context, ids []metal.DeviceID) ([]metal.DeviceView, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	names := words(ids)
	rows, err := s.Queries().DeviceViews(ctx, names)
	if err != nil {
		return nil, fmt.Errorf("read %d devices: %w", len(ids), err)
	}
	found := make(map[metal.DeviceID]*metal.DeviceView, len(rows))
	var going []string // whoever asks wants to see how they get on
	for _, row := range rows {
		view, err := deviceView(row)
		if err != nil {
			return nil, err
		}
		found[view.ID] = &view
		if len(ids) == 1 || installing[view.State] {
			going = append(going, row.Device.ID)
		}
	}
	if err := s.addAssignments(ctx, names, found); err != nil {
		return nil, err
	}
	if err := s.addSteps(ctx, going, found); err != nil {
		return nil, err
	}
	views := make([]metal.DeviceView, 0, len(rows))
	for _, id := range ids {
		if view := found[id]; view != nil {
			views = append(views, *view)
		}
	}
	return views, nil
}

// installing are the states in which a system is on its way to a device.
var installing = map[metal.DeviceState]bool{metal.Queued: true, metal.Provisioning: true, metal.Reinstalling: true}

// DeviceView is one of them; metal.ErrNotFound where there is none.
func (s *Store) DeviceView(ctx context.Context, id metal.DeviceID) (metal.DeviceView, error) {
	views, err := s.DeviceViews(ctx, []metal.DeviceID{id})
	if err == nil && len(views) == 0 {
		err = fmt.Errorf("device %s: %w", id, metal.ErrNotFound)
	}
	if err != nil {
		return metal.DeviceView{}, err
	}
	return views[0], nil
}

func deviceView(row query.DeviceViewsRow) (metal.DeviceView, error) {
	d := row.Device
	var h hardwareRecord
	if err := json.Unmarshal(row.Hardware, &h); err != nil {
		return metal.DeviceView{}, fmt.Errorf("plan %s: its hardware: %w", d.Plan, err)
	}
	return metal.DeviceView{
		ID: metal.DeviceID(d.ID), Organization: metal.OrganizationID(row.Organization), Project: metal.ProjectID(d.Project),
		Site: metal.Site{ID: metal.SiteID(d.Site), Metro: row.Metro},
		Plan: metal.Plan{ID: metal.PlanID(d.Plan), Description: row.PlanDescription, Cores: h.Cores, MemoryGiB: h.MemoryGiB, DisksGB: h.DisksGB},
		System: metal.OperatingSystem{
			ID: metal.OperatingSystemID(d.OperatingSystem), Name: row.SystemName, Distro: row.Distro, Version: row.Version,
			Arch: row.Arch, FirstBoot: metal.FirstBootMethod(row.FirstBoot),
		},
		Hostname: d.Hostname, Description: d.Description, Tags: d.Tags, State: metal.DeviceState(d.State),
		BillingCycle: d.BillingCycle, Locked: d.Locked, Frozen: d.NetworkFrozen, ScriptURL: d.IpxeUrl, AlwaysPXE: d.AlwaysPxe,
		UserData: row.UserData, CustomData: d.CustomData, Storage: d.Storage, SSHKeys: d.SshKeys, KeyIDs: d.SshKeyIds,
		Reservation: value(d.HardwareReservation), Batch: value(d.Batch),
		Creator: metal.User{ID: metal.UserID(value(d.CreatedBy)), Email: row.CreatorEmail, Name: row.CreatorName},
		Created: d.CreatedAt, Changed: d.ChangedAt, TerminateAt: moment(d.TerminateAt),
		Machine: metal.MachineID(row.Machine), Switch: metal.SwitchID(row.Switch),
	}, nil
}

func (s *Store) addAssignments(ctx context.Context, ids []string, views map[metal.DeviceID]*metal.DeviceView) error {
	rows, err := s.Queries().AddressesOfDevices(ctx, ids)
	if err != nil {
		return fmt.Errorf("read the addresses of %d devices: %w", len(ids), err)
	}
	for _, row := range rows {
		view := views[metal.DeviceID(row.Device)]
		if view == nil {
			continue // deleted, and not let go of yet
		}
		a := metal.Assignment{
			Lease: metal.Lease{
				Prefix: row.Prefix, Role: metal.Role(row.Role), Site: view.Site.ID, Elastic: row.Purpose == string(metal.Reservation),
			},
			Device: view.ID, Project: view.Project, Metro: view.Site.Metro, Block: row.Block, Own: row.Purpose == string(metal.Own),
			Reservation: row.Reservation, Since: row.TakenAt, Details: row.Details, Tags: row.Tags, CustomData: row.CustomData,
		}
		if row.Anycast {
			a.Role = metal.Anycast
		}
		view.Assignments = append(view.Assignments, a)
	}
	return nil
}

func (s *Store) addSteps(ctx context.Context, ids []string, views map[metal.DeviceID]*metal.DeviceView) error {
	if len(ids) == 0 {
		return nil
	}
	steps, err := s.ProvisioningEvents(ctx, ids)
	for id, events := range steps {
		if view := views[id]; view != nil {
			view.Steps = events
		}
	}
	return err
}
