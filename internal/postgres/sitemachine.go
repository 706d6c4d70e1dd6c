package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
	"millwright/internal/sitefile"
)

// writeMachines writes rows, then ports with their install links, then NICs:
// each refers to the one before. What moves between machines (a BMC address, a
// MAC, a port) is taken from all of them before it is given to any.
func (im *siteImport) writeMachines(ctx context.Context) error {
	var rows []query.UpsertMachineParams
	var machines []sitefile.Machine
	var moved []string
	for _, m := range im.file.Machines {
		row, changed, err := im.noteMachine(m)
		if err != nil {
			return err
		}
		if changed {
			rows, machines, moved = append(rows, row), append(machines, m), append(moved, row.ID)
		}
	}
	if err := im.q.VacateBMCAddresses(ctx, notNil(moved)); err != nil {
		return err
	}
	if err := im.q.DropNICs(ctx, notNil(moved)); err != nil {
		return err
	}
	for _, row := range rows {
		if err := im.q.UpsertMachine(ctx, row); err != nil {
			return fmt.Errorf("machine %s: %w", row.ID, err)
		}
		if err := im.q.EnsureBootIntent(ctx, row.ID); err != nil {
			return fmt.Errorf("machine %s: %w", row.ID, err)
		}
	}
	if err := im.writePorts(ctx); err != nil {
		return err
	}
	return im.writeNICs(ctx, machines)
}

func (im *siteImport) noteMachine(m sitefile.Machine) (query.UpsertMachineParams, bool, error) {
	row, err := machineRow(m, im.entry())
	if err != nil {
		return row, false, fmt.Errorf("machine %s: %w", m.ID, err)
	}
	was, known := im.was.machines[row.ID]
	if known {
		if row.Bmc, err = keepPassword(row.ID, was.Bmc, row.Bmc); err != nil {
			return row, false, err
		}
	}
	after, err := machineFacts(row, m.NICs, true)
	if err != nil {
		return row, false, err
	}
	var before facts
	if known {
		if before, err = machineFacts(rowOf(was), im.was.cabling(row.ID), was.Filed); err != nil {
			return row, false, err
		}
	}
	return row, im.note("machine", row.ID, before, after), nil
}

// entry is the state in which new machines come in. Nobody gets one before it
// was proven: here, or where it comes from.
func (im *siteImport) entry() metal.MachineState {
	if im.file.Vouched {
		return metal.Idle
	}
	return metal.Enrolled
}

// keepPassword lets a BMC whose password we made keep it: the file names the
// first one, which opens nothing any more.
func keepPassword(machine string, was, is []byte) ([]byte, error) {
	var before, after BMCRecord
	if err := errors.Join(json.Unmarshal(was, &before), json.Unmarshal(is, &after)); err != nil {
		return nil, fmt.Errorf("machine %s: its BMC record: %w", machine, err)
	}
	if before.Credential != metal.BMCCredential(metal.MachineID(machine)) {
		return is, nil
	}
	after.Credential = before.Credential
	return json.Marshal(after)
}

// writePorts places each NIC's port and gives it an install link, if it has
// none: the link stays with the port, whatever is plugged in later.
func (im *siteImport) writePorts(ctx context.Context) error {
	blocks, err := im.installBlocks(ctx)
	if err != nil {
		return err
	}
	for _, m := range im.file.Machines {
		for _, row := range portRows(m) {
			port := metal.Port{Switch: metal.SwitchID(row.Switch), Name: row.Name}
			was, known := im.was.ports[port.String()]
			var before facts
			if known {
				before = portFacts(was.Machine, was.Position, was.Members, was.Advertise)
			}
			if im.note("port", port.String(), before, portFacts(row.Machine, row.Position, row.Members, row.Advertise)) {
				if err := im.q.UpsertPort(ctx, row); err != nil {
					return fmt.Errorf("port %s: %w", port, err)
				}
			}
			if was.Linked {
				continue
			}
			if err := im.link(ctx, port, blocks); err != nil {
				return err
			}
		}
	}
	return nil
}

// portRows are a machine's routed ports, the one that boots first: NICs of one
// bundle share theirs.
func portRows(m sitefile.Machine) []query.UpsertPortParams {
	var rows []query.UpsertPortParams
	for _, n := range m.NICs {
		i := slices.IndexFunc(rows, func(r query.UpsertPortParams) bool {
			return r.Switch == string(n.Port.Switch) && r.Name == n.Port.Name
		})
		if i < 0 {
			i = len(rows)
			rows = append(rows, query.UpsertPortParams{
				Switch: string(n.Port.Switch), Name: n.Port.Name, Machine: string(m.ID),
				Position: int32(i), Members: []string{}, Advertise: m.Advertise,
			})
		}
		if n.Member != "" {
			rows[i].Members = append(rows[i].Members, n.Member)
		}
	}
	return rows
}

func portFacts(machine string, position int32, members []string, advertise bool) facts {
	return facts{"machine", machine, "position", position, "members", members, "advertise", advertise}
}

func (im *siteImport) writeNICs(ctx context.Context, machines []sitefile.Machine) error {
	for _, m := range machines {
		for i, n := range m.NICs {
			err := im.q.UpsertNIC(ctx, query.UpsertNICParams{
				Mac: n.MAC, Machine: string(m.ID), Switch: string(n.Port.Switch), Port: n.Port.Name, Member: n.Member, Position: int32(i),
			})
			if err != nil {
				return fmt.Errorf("machine %s: NIC %s: %w", m.ID, n.MAC, err)
			}
		}
	}
	return nil
}
