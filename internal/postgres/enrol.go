package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
	"millwright/internal/sitefile"
)

// WantEnrolment writes down a BMC that is to become a machine. Safe to repeat.
func (s *Store) WantEnrolment(ctx context.Context, e metal.Enrolment) error {
	body, err := json.Marshal(e)
	if err != nil {
		return err
	}
	err = s.Queries().AddEnrolment(ctx, query.AddEnrolmentParams{
		ID: e.ID, Site: string(e.Site), Address: e.Address, Credential: e.Credential, Sealed: e.Sealed, Machine: string(e.Machine), Body: body,
	})
	if taken(err, "23505") {
		return fmt.Errorf("enrol %s at %s: that name or that address is being enrolled already; starter enrolments lists them: %w", e.Machine, e.Address, metal.ErrInUse)
	}
	if err != nil {
		return fmt.Errorf("enrol %s at %s: %w", e.Machine, e.Address, err)
	}
	return nil
}

// Enrolment is what was written down; metal.ErrNotFound where nothing was.
func (s *Store) Enrolment(ctx context.Context, id string) (e metal.Enrolment, done bool, err error) {
	row, err := s.Queries().GetEnrolment(ctx, id)
	if errors.Is(err, pgx.ErrNoRows) {
		return e, false, fmt.Errorf("enrolment %s: %w", id, metal.ErrNotFound)
	}
	if err != nil {
		return e, false, fmt.Errorf("enrolment %s: %w", id, err)
	}
	err = json.Unmarshal(row.Body, &e)
	e.ID, e.Site, e.Machine, e.Address, e.Credential = id, metal.SiteID(row.Site), metal.MachineID(row.Machine), row.Address, row.Credential
	return e, row.DoneAt != nil, err
}

// Admit makes a machine of what was enrolled and found. It came in; it is not
// proven yet. Safe to repeat: the machine is found.
func (s *Store) Admit(ctx context.Context, e metal.Enrolment, found metal.MachineIdentity) error {
	m, err := admitted(e, found)
	if err != nil {
		return err
	}
	return s.in(ctx, func(q *query.Queries) error {
		im := &siteImport{q: q, file: &sitefile.Site{ID: e.Site, Machines: []sitefile.Machine{m}}}
		if err := im.look(ctx); err != nil {
			return fmt.Errorf("admit machine %s: read what there is: %w", e.Machine, err)
		}
		if was, known := im.was.machines[string(e.Machine)]; known {
			if was.Serial == found.Serial && !was.Filed {
				return nil
			}
			return fmt.Errorf("admit machine %s: there is a machine of this name, with serial %q; choose another name: %w", e.Machine, was.Serial, metal.ErrInUse)
		}
		if err := im.writeMachines(ctx); err != nil {
			if taken(err, "23505", "23503") {
				return fmt.Errorf("admit machine %s: its BMC's address, a MAC or a port is another machine's, or its rack, plan or switch is not known: %w: %w", e.Machine, err, metal.ErrInUse)
			}
			return fmt.Errorf("admit machine %s: %w", e.Machine, err)
		}
		if err := q.NoteAdmitted(ctx, query.NoteAdmittedParams{Machine: string(e.Machine), Serial: found.Serial}); err != nil {
			return err
		}
		return event(ctx, q, metal.Claim{Machine: e.Machine}, "machine", "machine %s came in: %s %s, serial %s", e.Machine, found.Vendor, found.Model, found.Serial)
	})
}

// admitted is the machine, as a site's file would describe it. MACs that the
// operator did not give are the BMC's to say, in its order.
func admitted(e metal.Enrolment, found metal.MachineIdentity) (sitefile.Machine, error) {
	if e.Serial != "" && e.Serial != found.Serial {
		return sitefile.Machine{}, fmt.Errorf("admit machine %s: its label says serial %s, and the BMC at %s says %s; correct the list: %w",
			e.Machine, e.Serial, e.Address, found.Serial, metal.ErrFingerprint)
	}
	m := sitefile.Machine{Unit: e.Unit, Machine: metal.Machine{
		ID: e.Machine, Site: e.Site, Rack: e.Rack, Plan: e.Plan, Firmware: e.Firmware, Kexec: e.Kexec,
		BMC: metal.BMC{
			Machine: e.Machine, Address: e.Address, Protocol: found.Protocol, Credential: e.Credential,
			Fingerprint: found.Fingerprint, CipherSuite: found.CipherSuite,
		},
	}}
	if m.BMC.Credential == "" {
		m.BMC.Credential = metal.BMCCredential(e.Machine)
	}
	for i, n := range e.NICs {
		mac := n.MAC
		if mac == "" && i < len(found.MACs) {
			mac = found.MACs[i]
		}
		if mac == "" {
			return m, fmt.Errorf("admit machine %s: the BMC at %s names %d MACs, and NIC %d has none; add it to the list: %w", e.Machine, e.Address, len(found.MACs), i+1, metal.ErrUnsupported)
		}
		m.NICs = append(m.NICs, sitefile.NIC{MAC: strings.ToLower(mac), Port: n.Port, Member: n.Member})
	}
	m.Port = m.NICs[0].Port
	return m, nil
}

// EndEnrolment ends it; what it was sealed with is forgotten. Safe to repeat.
func (s *Store) EndEnrolment(ctx context.Context, id, outcome string, found metal.MachineIdentity) error {
	body, err := json.Marshal(found)
	if err != nil {
		return err
	}
	return s.Queries().EndEnrolment(ctx, query.EndEnrolmentParams{ID: id, Outcome: clean(outcome), Found: body})
}

// OpenEnrolments lists those that nothing came of yet.
func (s *Store) OpenEnrolments(ctx context.Context, olderThan time.Duration, most int) ([]metal.Enrolment, error) {
	rows, err := s.Queries().OpenEnrolments(ctx, query.OpenEnrolmentsParams{OlderThan: olderThan, Most: int32(most)})
	all := make([]metal.Enrolment, len(rows))
	for i, r := range rows {
		all[i] = metal.Enrolment{ID: r.ID, Site: metal.SiteID(r.Site)}
	}
	return all, err
}

// taken reports whether Postgres refused a row for one of these reasons: another
// row has what it needs for itself (23505), or what it refers to is not there
// (23503).
func taken(err error, codes ...string) bool {
	var sql *pgconn.PgError
	return errors.As(err, &sql) && slices.Contains(codes, sql.Code)
}
