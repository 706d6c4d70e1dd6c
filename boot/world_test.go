package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"

	"millwright/internal/metal"
)

// world is Postgres and Temporal in memory, with switches to take either away.
type world struct {
	mu        sync.Mutex
	machines  map[metal.MachineID]metal.BootMachine
	jobs      map[metal.MachineID]metal.AgentJob
	tokens    map[metal.MachineID][]byte
	rows      []metal.RecordedReport
	said      []metal.Said // in the order of rows
	keys      map[string][]byte
	logs      map[metal.MachineID][]byte
	steps     []metal.AgentStep
	version   string // of the agent that is handed out
	signalled map[int64]bool
	heard     []metal.Report // what the runs were told
	tries     int            // signals that were attempted
	stated    []string       // what systems said of their own progress

	postgresAway, temporalAway, runOver bool
	poison                              string // a run that takes no signal, ever
	notices                             chan metal.MachineID
}

var errDark = errors.New("connection refused")

func newWorld(machines ...metal.BootMachine) *world {
	w := &world{
		machines: map[metal.MachineID]metal.BootMachine{}, jobs: map[metal.MachineID]metal.AgentJob{},
		tokens: map[metal.MachineID][]byte{}, signalled: map[int64]bool{}, keys: map[string][]byte{}, logs: map[metal.MachineID][]byte{}, notices: make(chan metal.MachineID, 100),
	}
	for _, m := range machines {
		w.machines[m.ID], w.jobs[m.ID] = m, metal.AgentJob{Job: metal.JobWait}
	}
	return w
}

// change alters the world, and gives notice of a machine if one is named.
func (w *world) change(id metal.MachineID, how func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	how()
	if id != "" {
		w.notices <- id
	}
}

// with reads or writes as Postgres would: not at all while it is away.
func (w *world) with(f func() error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.postgresAway {
		return errDark
	}
	return f()
}

func (w *world) BootMachines(_ context.Context, _ metal.SiteID) (all []metal.BootMachine, err error) {
	err = w.with(func() error {
		for _, m := range w.machines {
			all = append(all, m)
		}
		return nil
	})
	return all, err
}

func (w *world) BootMachine(_ context.Context, id metal.MachineID) (m metal.BootMachine, err error) {
	err = w.with(func() error {
		var ok bool
		if m, ok = w.machines[id]; !ok {
			return fmt.Errorf("machine %s: %w", id, metal.ErrUnknownMachine)
		}
		return nil
	})
	return m, err
}

func (w *world) ListenBoot(ctx context.Context, _ metal.SiteID, changed func(metal.MachineID)) error {
	if err := w.with(func() error { return nil }); err != nil {
		return err
	}
	changed("")
	for {
		select {
		case id := <-w.notices:
			changed(id)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (w *world) IssueToken(_ context.Context, id metal.MachineID, n metal.BootNumber, hash []byte) error {
	return w.with(func() error {
		if i := w.machines[id].Intent; i.Number != n || !i.Agent {
			return metal.ErrStaleClaim
		}
		w.tokens[id] = hash
		return nil
	})
}

// current is the check that TakeJob and an agent's Record share.
func (w *world) current(id metal.MachineID, n metal.BootNumber, hash []byte) error {
	if w.machines[id].Intent.Number != n || !bytes.Equal(w.tokens[id], hash) {
		return fmt.Errorf("machine %s, boot %d: %w", id, n, metal.ErrStaleClaim)
	}
	return nil
}

func (w *world) TakeJob(_ context.Context, id metal.MachineID, n metal.BootNumber, hash []byte) (job metal.AgentJob, err error) {
	err = w.with(func() error {
		job = w.jobs[id]
		return w.current(id, n, hash)
	})
	return job, err
}

func (w *world) RecordStep(_ context.Context, of metal.AgentCall, step metal.AgentStep) error {
	return w.with(func() error {
		w.steps = append(w.steps, step)
		return w.current(of.Machine, of.Boot, of.TokenHash)
	})
}

func (w *world) AppendLog(_ context.Context, of metal.AgentCall, at int64, piece []byte) (next int64, err error) {
	err = w.with(func() error {
		kept := int64(len(w.logs[of.Machine]))
		if end := at + int64(len(piece)); at <= kept && end > kept {
			w.logs[of.Machine] = append(w.logs[of.Machine], piece[kept-at:]...)
		}
		next = int64(len(w.logs[of.Machine]))
		return w.current(of.Machine, of.Boot, of.TokenHash)
	})
	return next, err
}

func (w *world) SetAgentVersion(_ context.Context, _ metal.SiteID, version string) error {
	return w.with(func() error { w.version = version; return nil })
}

func (w *world) PutCertificateKey(_ context.Context, id string, pem []byte) error {
	return w.with(func() error { w.keys[id] = pem; return nil })
}

func (w *world) Record(_ context.Context, said metal.Said) (row metal.RecordedReport, err error) {
	r, hash := said.Report, said.TokenHash
	err = w.with(func() error {
		if hash == nil {
			hash = w.tokens[r.Machine]
		}
		if err := w.current(r.Machine, r.Boot, hash); err != nil {
			return err
		}
		for _, row = range w.rows {
			if row.Report.Machine == r.Machine && row.Report.Boot == r.Boot && row.Report.Kind == r.Kind {
				return nil
			}
		}
		row = metal.RecordedReport{ID: int64(len(w.rows) + 1), Run: "device/of-" + string(r.Machine), Report: r}
		w.rows, w.said = append(w.rows, row), append(w.said, said)
		return nil
	})
	return row, err
}

func (w *world) Unsignalled(context.Context, metal.SiteID) (rows []metal.RecordedReport, err error) {
	err = w.with(func() error {
		for _, row := range w.rows {
			if !w.signalled[row.ID] {
				rows = append(rows, row)
			}
		}
		return nil
	})
	return rows, err
}

func (w *world) Signalled(_ context.Context, id int64) error {
	return w.with(func() error { w.signalled[id] = true; return nil })
}

// Signal is the runs.
func (w *world) Signal(_ context.Context, run string, r metal.Report) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tries++
	switch {
	case w.temporalAway || run == w.poison:
		return errDark
	case w.runOver:
		return fmt.Errorf("%s: %w", run, metal.ErrRunOver)
	}
	w.heard = append(w.heard, r)
	return nil
}

func (w *world) heardKinds() (kinds []metal.ReportKind) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range w.heard {
		kinds = append(kinds, r.Kind)
	}
	return kinds
}

func (w *world) isSignalled(id int64) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.signalled[id]
}

// machine is one whose install link is 127.20.0.<even>/31.
func machine(id metal.MachineID, even byte) metal.BootMachine {
	install := metal.Link{Prefix: netip.PrefixFrom(netip.AddrFrom4([4]byte{127, 20, 0, even}), 31), Role: metal.Install}
	return metal.BootMachine{
		ID: id, Port: metal.Port{Switch: "tor-r1", Name: fmt.Sprintf("xe-0/0/%d", even)},
		MACs: []string{fmt.Sprintf("52:54:00:00:00:%02X", even)}, Firmware: metal.BIOS,
		Install: install, Addresses: []netip.Addr{install.Machine()},
	}
}
