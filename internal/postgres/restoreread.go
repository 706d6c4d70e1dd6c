package postgres

import (
	"context"
	"net/netip"
	"time"

	"millwright/internal/metal"
	"millwright/internal/survey"
)

// record is a machine in doubt, with the run that holds it.
type record struct {
	survey.Record
	run string
}

// underWay says what a machine's run is about.
func (r record) underWay() string {
	if r.Device != "" {
		return "device " + string(r.Device) + " was " + string(r.DeviceState)
	}
	return r.run
}

// read gathers the records in doubt, and the world as far as it was seen.
func (j *judging) read(ctx context.Context) ([]record, error) {
	if err := j.readWorld(ctx); err != nil {
		return nil, err
	}
	ports, err := j.readPorts(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := j.q.DoubtedMachines(ctx, string(j.site))
	records := make([]record, len(rows))
	for i, m := range rows {
		records[i] = record{run: m.Run, Record: survey.Record{
			Machine: metal.MachineID(m.ID), State: metal.MachineState(m.State), Device: metal.DeviceID(m.Device), DeviceState: metal.DeviceState(m.DeviceState),
			Warm: m.Warm, Ports: ports[m.ID],
			Found: survey.Found{Power: metal.Power(m.Power), Kind: metal.IssueKind(m.Kind), Problem: m.Problem, Looks: int(m.Looks),
				On: time.Duration(m.OnFor * float64(time.Second)), Heard: m.Heard, Stray: m.Stray},
		}}
	}
	return records, err
}

func (j *judging) readPorts(ctx context.Context) (map[string][]survey.Port, error) {
	rows, err := j.q.PortsInDoubt(ctx, string(j.site))
	ports := map[string][]survey.Port{}
	for _, p := range rows {
		ports[p.Machine] = append(ports[p.Machine], survey.Port{
			Port: metal.Port{Switch: metal.SwitchID(p.Switch), Name: p.Name}, Install: p.Install, Open: p.Open, Pending: p.Pending,
		})
	}
	return ports, err
}

func (j *judging) readWorld(ctx context.Context) error {
	w := &j.world
	w.Carried, w.Dark, w.Leases = map[metal.Port]metal.Carried{}, map[metal.SwitchID]bool{}, map[metal.DeviceID][]netip.Prefix{}
	carried, err := j.q.CarriedAt(ctx, string(j.site))
	if err != nil {
		return err
	}
	for _, row := range carried {
		c := metal.Carried{Port: metal.Port{Switch: metal.SwitchID(row.Switch), Name: row.Port}, Words: row.Words, Prefixes: row.Prefixes, Announced: row.Announced}
		w.Carried[c.Port] = c
		for _, p := range c.Prefixes {
			j.on[p] = survey.Seen{Prefix: p, Port: c.Port, Named: c.Named()}
		}
	}
	dark, err := j.q.DarkSwitches(ctx, string(j.site))
	if err != nil {
		return err
	}
	for _, row := range dark {
		w.Dark[metal.SwitchID(row.Switch)] = true
	}
	leases, err := j.q.LeasesAt(ctx, string(j.site))
	for _, l := range leases {
		w.Leases[metal.DeviceID(l.Device)] = append(w.Leases[metal.DeviceID(l.Device)], l.Prefix)
	}
	return err
}
