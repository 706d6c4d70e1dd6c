package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

// keepSaid keeps what came with a report. Safe to repeat.
func keepSaid(ctx context.Context, q *query.Queries, said metal.Said) error {
	r := said.Report
	machine, boot := string(r.Machine), int64(r.Boot)
	for _, c := range said.Certificates {
		err := q.InsertCertificate(ctx, query.InsertCertificateParams{
			Machine: machine, Boot: boot, Serial: c.Serial, Body: string(c.Body), Signature: c.Signature, Key: c.Key,
		})
		if err != nil {
			return fmt.Errorf("keep the certificate of disk %s of %s: %w", c.Serial, machine, err)
		}
	}
	if len(said.BurnIn) > 0 {
		if err := keepBurnIn(ctx, q, r, said.BurnIn); err != nil {
			return fmt.Errorf("keep what the burn-in of %s found: %w", machine, err)
		}
	}
	switch r.Kind {
	case metal.AgentUp:
		if len(said.Hardware) > 0 {
			if err := q.PutInventory(ctx, query.PutInventoryParams{Machine: machine, Boot: boot, Body: said.Hardware}); err != nil {
				return fmt.Errorf("keep the inventory of %s: %w", machine, err)
			}
		}
		return q.NoteAgentUp(ctx, query.NoteAgentUpParams{Machine: machine, Number: boot, AgentVersion: said.AgentVersion})
	case metal.Erased:
		if r.Detail != "" {
			return everyDisk(ctx, q, machine, boot, clean(r.Detail))
		}
	case metal.Installed:
		if said.InFull {
			return everyDisk(ctx, q, machine, boot, "erased in full before an install: "+clean(r.Detail))
		}
	case metal.NoKexec:
		_, err := q.GiveUpKexec(ctx, query.GiveUpKexecParams{Machine: machine, Why: clean(r.Detail)})
		return err
	}
	return nil
}

func keepBurnIn(ctx context.Context, q *query.Queries, r metal.Report, results []metal.BurnInResult) error {
	kept := slices.Clone(results)
	for i := range kept {
		kept[i].Test, kept[i].Part, kept[i].Detail = clean(kept[i].Test), clean(kept[i].Part), clean(kept[i].Detail)
	}
	body, err := json.Marshal(kept)
	if err != nil {
		return err
	}
	return q.KeepBurnIn(ctx, query.KeepBurnInParams{Machine: string(r.Machine), Boot: int64(r.Boot), Body: body})
}

// everyDisk records that a machine is proven to be erased, if each disk that it
// is known to have was certified: one that did not show up may come back.
func everyDisk(ctx context.Context, q *query.Queries, machine string, boot int64, proof string) error {
	missing, err := q.UncertifiedDisks(ctx, query.UncertifiedDisksParams{Machine: machine, Boot: boot})
	if err != nil || len(missing) > 0 {
		return err
	}
	return q.NoteErasure(ctx, query.NoteErasureParams{Machine: machine, Boot: boot, Proof: proof})
}

// GiveUpKexec remembers that kexec failed on a machine: it reboots from now on.
// Safe to repeat.
func (s *Store) GiveUpKexec(ctx context.Context, claim metal.Claim, why string) error {
	return s.in(ctx, func(q *query.Queries) error {
		if _, err := held(ctx, q, claim); err != nil {
			return err
		}
		n, err := q.GiveUpKexec(ctx, query.GiveUpKexecParams{Machine: string(claim.Machine), Why: clean(why)})
		if err != nil || n == 0 {
			return err
		}
		return event(ctx, q, claim, "kexec", "machine %s reboots instead of kexec from now on: %s", claim.Machine, why)
	})
}

// RecordStep keeps how far an agent is. It refuses with metal.ErrStaleClaim who
// is not the agent of the machine's present boot.
func (s *Store) RecordStep(ctx context.Context, of metal.AgentCall, step metal.AgentStep) error {
	n, err := s.Queries().PutStep(ctx, query.PutStepParams{
		Machine: string(of.Machine), Boot: int64(of.Boot), TokenHash: of.TokenHash,
		Step: clean(step.Step), Done: step.Done, Total: step.Total, Words: clean(step.Text),
	})
	if err == nil && n == 0 {
		return s.overheard(ctx, of.Machine, of.Boot, staleBoot(of.Machine, of.Boot))
	}
	return err
}

// logLimit is what is kept of a boot's log, in bytes. The agent keeps less.
const logLimit = 4 << 20

// AppendLog keeps a piece of a boot's log that begins at a byte of it, and
// answers where the next piece begins. A piece that is there already, or that
// leaves a gap behind it, changes nothing but the answer.
func (s *Store) AppendLog(ctx context.Context, of metal.AgentCall, at int64, piece []byte) (next int64, err error) {
	err = s.in(ctx, func(q *query.Queries) error {
		if err := q.ShareMachine(ctx, string(of.Machine)); err != nil {
			return err
		}
		next, err = q.LogLength(ctx, query.LogLengthParams{Machine: string(of.Machine), Boot: int64(of.Boot), TokenHash: of.TokenHash})
		if errors.Is(err, pgx.ErrNoRows) {
			return staleBoot(of.Machine, of.Boot)
		}
		end := at + int64(len(piece))
		if err == nil && next >= logLimit {
			next = end // taken, and dropped: an agent must not send it again
			return nil
		}
		if err != nil || at > next || end <= next {
			return err
		}
		err = q.AppendLog(ctx, query.AppendLogParams{
			Machine: string(of.Machine), Boot: int64(of.Boot), Place: next, Body: plain(piece[next-at:]),
		})
		next = end
		return err
	})
	return next, err
}

// plain makes a piece of a log fit for the database, byte for byte: places in a
// log are counted in bytes.
func plain(piece []byte) string {
	text := make([]byte, 0, len(piece))
	for len(piece) > 0 {
		r, size := utf8.DecodeRune(piece)
		if r == 0 || r == utf8.RuneError && size == 1 {
			text = append(text, '?')
		} else {
			text = append(text, piece[:size]...)
		}
		piece = piece[size:]
	}
	return string(text)
}

// ReadLog is what is kept of the log of a boot, or of the last one for 0, from
// a byte on; and where it goes on.
func (s *Store) ReadLog(ctx context.Context, machine metal.MachineID, boot metal.BootNumber, from int64) (text string, next int64, err error) {
	rows, err := s.Queries().ReadLog(ctx, query.ReadLogParams{Machine: string(machine), Boot: int64(boot), Place: from})
	next = from
	for _, row := range rows {
		text += row.Body
		next = row.Place + int64(len(row.Body))
	}
	return text, next, err
}

// SetAgentVersion says which agent a site's boot services hand out. Agents that
// wait in another one are booted again, one by one.
func (s *Store) SetAgentVersion(ctx context.Context, site metal.SiteID, version string) error {
	return s.Queries().SetAgentVersion(ctx, query.SetAgentVersionParams{Site: string(site), AgentVersion: version})
}

// RecordUserState keeps what a tenant's system says of its own progress, as an
// event of its device.
func (s *Store) RecordUserState(ctx context.Context, machine metal.MachineID, state, code, message string) error {
	return s.in(ctx, func(q *query.Queries) error {
		m, err := q.GetMachine(ctx, string(machine))
		if err != nil || m.Device == nil {
			return err
		}
		claim := metal.Claim{Device: metal.DeviceID(*m.Device), Machine: machine}
		return event(ctx, q, claim, "user-state", "the system says: %s %s %s", clean(state), clean(code), clean(message))
	})
}

// PutCertificateKey keeps the public half of a key that signs certificates, to
// check them by. Safe to repeat.
func (s *Store) PutCertificateKey(ctx context.Context, id string, pem []byte) error {
	return s.Queries().PutCertificateKey(ctx, query.PutCertificateKeyParams{ID: id, Pem: string(pem)})
}

// CertificateKey is the public half of a key, in PEM.
func (s *Store) CertificateKey(ctx context.Context, id string) ([]byte, error) {
	pem, err := s.Queries().CertificateKey(ctx, id)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, fmt.Errorf("no key %s is known here: ask the site whose boot services signed with it", id)
	}
	return []byte(pem), err
}

// Certificates are those of a device's erasures, oldest first.
func (s *Store) Certificates(ctx context.Context, device metal.DeviceID) ([]metal.KeptCertificate, error) {
	rows, err := s.Queries().CertificatesOfDevice(ctx, string(device))
	return keptCertificates(rows), err
}

// MachineCertificates are those of a machine's erasures, oldest first.
func (s *Store) MachineCertificates(ctx context.Context, machine metal.MachineID) ([]metal.KeptCertificate, error) {
	rows, err := s.Queries().CertificatesOfMachine(ctx, string(machine))
	return keptCertificates(rows), err
}

func keptCertificates(rows []query.Certificate) []metal.KeptCertificate {
	kept := make([]metal.KeptCertificate, len(rows))
	for i, row := range rows {
		kept[i] = metal.KeptCertificate{
			Certificate: metal.Certificate{Serial: row.Serial, Body: []byte(row.Body), Signature: row.Signature, Key: row.Key},
			Machine:     metal.MachineID(row.Machine), Device: metal.DeviceID(value(row.Device)), Boot: metal.BootNumber(row.Boot), At: row.At,
		}
	}
	return kept
}

// Step is how far the machine's agent is; the zero step where it said nothing
// in the machine's present boot.
func (s *Store) Step(ctx context.Context, machine metal.MachineID) (metal.AgentStep, error) {
	row, err := s.Queries().GetStep(ctx, string(machine))
	if errors.Is(err, pgx.ErrNoRows) {
		return metal.AgentStep{}, nil
	}
	return metal.AgentStep{Step: row.Step, Done: row.Done, Total: row.Total, Text: row.Words, Since: row.Since, At: row.At}, err
}

// Inventory is what the machine's agent last read of it: JSON, and when. Nil
// where no agent has.
func (s *Store) Inventory(ctx context.Context, machine metal.MachineID) (body []byte, at time.Time, err error) {
	row, err := s.Queries().GetInventory(ctx, string(machine))
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, time.Time{}, nil
	}
	return row.Body, row.At, err
}
