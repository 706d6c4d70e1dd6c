package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"millwright/internal/ipam"
	"millwright/internal/postgres"
)

// ipCommand is what operators do with address space, and ask of it.
type ipCommand struct {
	Aggregate ipAggregateCommand `cmd:"" group:"Space" help:"What registries gave."`
	Block     ipBlockCommand     `cmd:"" group:"Space" help:"What leases are cut from: pools of a site and role, and projects' parts of them."`
	Rule      ipRuleCommand      `cmd:"" group:"Space" help:"How long addresses of a role rest before they are given out again."`
	Quota     ipQuotaCommand     `cmd:"" group:"Space" help:"How much a project may have."`
	Allow     ipAllowCommand     `cmd:"" group:"Space" help:"Say which projects may take from a pool. One without a list is everybody's."`

	Take     ipTakeCommand     `cmd:"" group:"Lease" help:"Lease a prefix to a project, or to what Millwright does not run."`
	GiveBack ipGiveBackCommand `cmd:"" group:"Lease" help:"End such a lease. The prefix rests before it is given out again."`
	Free     ipFreeCommand     `cmd:"" group:"Lease" help:"End a rest at once."`

	Reserve      ipReserveCommand      `cmd:"" group:"Reserve" help:"Reserve elastic addresses for a project. Large ones wait for approval."`
	Approve      ipApproveCommand      `cmd:"" group:"Reserve" help:"Grant a reservation that waits."`
	Deny         ipDenyCommand         `cmd:"" group:"Reserve" help:"Refuse a reservation that waits."`
	Release      ipReleaseCommand      `cmd:"" group:"Reserve" help:"End a reservation that no device uses, or withdraw one that waits."`
	Reservations ipReservationsCommand `cmd:"" group:"Reserve" help:"List reservations."`

	Assign   ipAssignCommand   `cmd:"" group:"Assign" help:"Route a reserved address or prefix to a device, from wherever it was."`
	Unassign ipUnassignCommand `cmd:"" group:"Assign" help:"Take a reserved address or prefix from the device that has it."`

	Who     ipWhoCommand     `cmd:"" group:"Ask" help:"Who has an address, or had it at a moment."`
	Held    ipHeldCommand    `cmd:"" group:"Ask" help:"All that a project, a device or another holder has."`
	History ipHistoryCommand `cmd:"" group:"Ask" help:"Holdings that are over: of an address, a project or a holder."`
	Use     ipUseCommand     `cmd:"" group:"Ask" help:"How full aggregates, blocks, roles, sites or projects are, and for how long they last."`
	Map     ipMapCommand     `cmd:"" group:"Ask" help:"Draw what of a block is held, in quarantine and free."`
	Report  ipReportCommand  `cmd:"" group:"Ask" help:"Assignments in the form that a registry asks for."`

	Name  ipNameCommand  `cmd:"" group:"Name" help:"Choose what an address is called in reverse DNS."`
	Names ipNamesCommand `cmd:"" group:"Name" help:"List names that projects chose, or all that a device or reservation has."`

	Import ipImportCommand `cmd:"" group:"Move" help:"Add blocks and leases from our CSV or NetBox's exports. Moves nothing that is there."`
	Export ipExportCommand `cmd:"" group:"Move" help:"Write all of it as our CSV, or as NetBox imports it."`
}

// prefixArg is a prefix as people write it.
type prefixArg struct{ netip.Prefix }

// UnmarshalText refuses host bits, and says what was perhaps meant.
func (p *prefixArg) UnmarshalText(text []byte) (err error) {
	p.Prefix, err = ipam.ParsePrefix(string(text))
	return err
}

// sizeArg is the length of a prefix: "/29", or "29".
type sizeArg int

// UnmarshalText takes what any family may have; what a block can hold is
// checked against the block.
func (s *sizeArg) UnmarshalText(text []byte) error {
	bits, err := ipam.ParseSize(string(text), netip.PrefixFrom(netip.IPv6Unspecified(), 0))
	*s = sizeArg(bits)
	return err
}

// momentArg is a moment: "2026-11-22T09:30:00Z", "2026-11-22 09:30", or a day.
type momentArg struct{ time.Time }

// UnmarshalText takes moments without a zone for UTC, as they are printed.
func (m *momentArg) UnmarshalText(text []byte) (err error) {
	for _, form := range []string{time.RFC3339Nano, "2006-01-02 15:04:05", "2006-01-02 15:04", time.DateOnly} {
		if m.Time, err = time.Parse(form, string(text)); err == nil {
			return nil
		}
	}
	return fmt.Errorf("%q is no moment; write one like 2026-11-22T09:30:00Z, or a day, in UTC", text)
}

// asked opens the database, asks it, and prints what it answers.
func asked(ctx context.Context, a *app, ask func(*postgres.Store) (*table, error)) error {
	store, err := a.database(ctx)
	if err != nil {
		return err
	}
	t, err := ask(store)
	if err != nil {
		return err
	}
	return t.print(a.out, a.Output)
}

// done is an answer of one line: a sentence for people, an object for programs.
func done(ctx context.Context, a *app, do func(*postgres.Store) (string, map[string]any, error)) error {
	store, err := a.database(ctx)
	if err != nil {
		return err
	}
	sentence, object, err := do(store)
	if err != nil {
		return err
	}
	if a.Output == "json" {
		return printJSON(a.out, object)
	}
	_, err = fmt.Fprintln(a.out, sentence)
	return err
}

// prefixText is empty for no prefix.
func prefixText(p netip.Prefix) string {
	if !p.IsValid() {
		return ""
	}
	return p.String()
}

// when is a moment in a table; nil where there is none.
func when(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// joined is a list in one cell.
func joined[T ~string](words []T) string {
	all := make([]string, len(words))
	for i, w := range words {
		all[i] = string(w)
	}
	return strings.Join(all, " ")
}

// printProblems names each thing that keeps an import from being done.
func printProblems(a *app, err error) error {
	var problems ipam.Problems
	if !errors.As(err, &problems) {
		return err
	}
	fmt.Fprintln(a.errs, problems)
	fmt.Fprintf(a.errs, "starter: problems: %d; nothing was imported\n", len(problems))
	return errSaid
}
