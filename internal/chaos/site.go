package main

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"millwright/internal/lab"
	"millwright/internal/lab/machine"
	"millwright/internal/metal"
	"millwright/internal/rig"
	"millwright/workflows"

	"go.temporal.io/sdk/client"
)

// bootLimit is how long an installed system may still take to come up once its
// run has ended: a reboot's run does not wait for it.
const bootLimit = time.Minute

// site compares the switches and machines with what the tables say. Machines
// that boot are given their time.
func (w *world) site(ctx context.Context) ([]finding, error) {
	found, err := w.switches(ctx)
	if err != nil {
		return nil, err
	}
	ctx2, cancel := context.WithTimeout(ctx, bootLimit)
	defer cancel()
	for {
		wrong, err := w.machines(ctx)
		if err != nil || len(wrong) == 0 || !wait(ctx2, watchEvery) {
			return append(found, wrong...), err
		}
	}
}

// switches must be as intended, by a check of Millwright's own; and no address
// may stand at two ports, whatever was intended.
func (w *world) switches(ctx context.Context) (found []finding, err error) {
	at := map[netip.Prefix]metal.Port{}
	for _, s := range w.Lab.Switches() {
		for name, port := range s.Ports {
			here := metal.Port{Switch: s.ID, Name: name}
			for _, address := range port.Addresses {
				if other, taken := at[address]; taken {
					found = append(found, finding{doubled, fmt.Sprintf("%s stands at %s and at %s", address, other, here), ""})
				}
				at[address] = here
			}
		}
		drifts, err := w.drifts(ctx, s.ID)
		if err != nil {
			return nil, err
		}
		for _, port := range drifts {
			found = append(found, finding{leaked, fmt.Sprintf("port %s is not what it should be", port), "CheckSwitch"})
		}
	}
	return found, nil
}

func (w *world) drifts(ctx context.Context, id metal.SwitchID) ([]metal.Port, error) {
	run, err := w.Client.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: workflows.SwitchRun(id), TaskQueue: workflows.ControlQueue},
		workflows.CheckSwitch, workflows.SwitchInput{Switch: id, Site: rig.Site})
	if err != nil {
		return nil, err
	}
	var result workflows.SwitchResult
	return result.Drifts, run.Get(ctx, &result)
}

// held is a machine as the tables have it.
type held struct {
	state, device, hostname, deviceState string
}

func (w *world) machines(ctx context.Context) (found []finding, err error) {
	known := map[metal.MachineID]held{}
	rows, err := w.data.Query(ctx, `select m.id, m.state, coalesce(d.id, ''), coalesce(d.hostname, ''), coalesce(d.state, '')
		from machines m left join devices d on d.id = m.device`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id metal.MachineID
		var h held
		if err := rows.Scan(&id, &h.state, &h.device, &h.hostname, &h.deviceState); err != nil {
			return nil, err
		}
		known[id] = h
	}
	for _, m := range w.Lab.Machines() {
		if wrong := compare(m, known[m.ID]); wrong != "" {
			found = append(found, finding{leaked, fmt.Sprintf("machine %s %s", m.ID, wrong), fmt.Sprintf("it is %s for device %q (%s); power %s, %s", known[m.ID].state, known[m.ID].device, known[m.ID].deviceState, m.Power, m.Phase)})
		}
	}
	return found, rows.Err()
}

// compare says what is wrong with a machine; empty where nothing is.
func compare(m lab.MachineState, h held) string {
	written := slices.ContainsFunc(m.Disks, func(d machine.DiskState) bool { return !d.Empty })
	hers := slices.ContainsFunc(m.Disks, func(d machine.DiskState) bool {
		return d.Bootable && (d.FirstBoot == nil || d.FirstBoot.Hostname == h.hostname)
	})
	switch {
	case h.state == string(metal.Idle) && written:
		return "is in the pool with a written disk"
	case h.state == string(metal.Idle) && m.Power == metal.On:
		return "is in the pool and has power"
	case h.deviceState == string(metal.Active) && m.Power != metal.On:
		return "is an active device's and has no power"
	case h.deviceState == string(metal.Active) && m.Phase != machine.Running:
		return "is an active device's and its system does not run"
	case (h.deviceState == string(metal.Active) || h.deviceState == string(metal.Inactive)) && !hers:
		return "is a device's and has another system, or none"
	case h.deviceState == string(metal.Inactive) && m.Power == metal.On:
		return "is a device's that is off, and has power"
	}
	return ""
}
