package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"millwright/internal/metal"
	"millwright/internal/postgres"
	"millwright/internal/postgres/query"
	"millwright/workflows"
)

type machineShowCommand struct {
	namedMachine `embed:""`
}

// machineAnswer is all that is known of a machine.
type machineAnswer struct {
	machineLine
	Firmware string       `json:"firmware"` // how it boots: bios or uefi
	Boot     *agentAnswer `json:"boot,omitempty"`
	BMC      bmcAnswer    `json:"bmc"`
	Open     []issueLine  `json:"open_issues"`
	BurnIn   *burnInLine  `json:"burn_in,omitempty"` // the last one
	Evidence []string     `json:"evidence"`          // commands that print what it did before it was taken aside
	WaysOut  []string     `json:"ways_out"`          // of its state: a command, three blanks, what comes of it

	OfRun *workflows.Status `json:"run_status,omitempty"`
	NoRun string            `json:"no_run,omitempty"` // why there is no word of the run that holds it
}

// burnInLine is a burn-in, as its agent told it.
type burnInLine struct {
	Boot    int64                `json:"boot"`
	At      time.Time            `json:"at"`
	Results []metal.BurnInResult `json:"results"`
}

// Run reads the database first; what Temporal knows beside it is asked last,
// and not waited for.
func (c machineShowCommand) Run(ctx context.Context, a *app) error {
	store, m, err := c.read(ctx, a)
	if err != nil {
		return err
	}
	answer, err := readMachine(ctx, store, m)
	if err != nil {
		return fmt.Errorf("machine %s: %w", m.ID, err)
	}
	if m.Run != "" {
		answer.OfRun, answer.NoRun = a.askRun(ctx, m.Run)
	}
	if a.Output == "json" {
		return printJSON(a.out, answer)
	}
	return answer.print(a)
}

func readMachine(ctx context.Context, store *postgres.Store, m query.GetMachineRow) (machineAnswer, error) {
	answer := machineAnswer{Firmware: m.Firmware, Evidence: append([]string{}, evidence(m)...), WaysOut: append([]string{}, waysOut(m)...)}
	rows, err := store.Queries().ListFleet(ctx, query.ListFleetParams{Machine: m.ID})
	if err != nil || len(rows) == 0 {
		return answer, fmt.Errorf("read where it stands: %w", errors.Join(err, pgx.ErrNoRows))
	}
	answer.machineLine = lineOf(rows[0])
	var step statusAnswer
	if err := step.readAgent(ctx, store, metal.MachineID(m.ID)); err != nil {
		return answer, err
	}
	answer.Boot = step.Agent
	if answer.BMC, err = readBMC(ctx, store, m); err != nil {
		return answer, err
	}
	if answer.Open, err = readIssues(ctx, store, query.ListIssuesParams{Machine: m.ID, Most: mostIssues}); err != nil {
		return answer, err
	}
	answer.BurnIn, err = lastBurnIn(ctx, store, m.ID)
	return answer, err
}

func lastBurnIn(ctx context.Context, store *postgres.Store, machine string) (*burnInLine, error) {
	rows, err := store.Queries().BurnIns(ctx, machine)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	last := &burnInLine{Boot: rows[0].Boot, At: rows[0].At}
	if err := json.Unmarshal(rows[0].Body, &last.Results); err != nil {
		return nil, fmt.Errorf("read its burn-in of boot %d: %w", last.Boot, err)
	}
	return last, nil
}

// askRun asks a run what it is at.
func (a *app) askRun(ctx context.Context, run string) (*workflows.Status, string) {
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	runs, err := a.runs(ctx)
	if err != nil {
		return nil, "the run cannot be asked: " + inWords(err)
	}
	status, err := runs.Status(ctx, run)
	if err != nil {
		return nil, "the run cannot be asked: " + inWords(err)
	}
	return &status, ""
}

func (s machineAnswer) print(a *app) error {
	if err := s.about().print(a.out, "table"); err != nil {
		return err
	}
	printIndented(a, "issues", issueSentences(s.Open))
	if s.BurnIn != nil {
		printIndented(a, fmt.Sprintf("burn-in of boot %d, %s", s.BurnIn.Boot, moment(s.BurnIn.At)), s.BurnIn.sentences())
	}
	printIndented(a, "evidence", s.Evidence)
	printIndented(a, "ways out", s.WaysOut)
	return nil
}

func (s machineAnswer) about() *table {
	t := &table{}
	t.add("machine", s.Machine)
	t.add("place", fmt.Sprintf("%s, rack %s, unit %d, port %s", s.Site, s.Rack, s.Unit, s.Port))
	t.add("plan", s.Plan)
	t.add("state", s.State+" since "+moment(s.Changed))
	if s.Reason != "" {
		t.add("reason", s.Reason)
	}
	if s.Until != nil {
		t.add("until", s.Until)
	}
	t.add("health", fmt.Sprintf("%s, open issues: %d", s.Health, len(s.Open)))
	t.add("device", string(s.Device))
	if s.Reservation != "" {
		t.add("kept by", "hardware reservation "+s.Reservation)
	}
	if s.machineLine.Run != "" {
		t.add("run", s.run())
	}
	t.add("disks", map[bool]string{true: "may hold a tenant's data", false: "hold nothing of a tenant's"}[s.Dirty])
	t.add("boot", s.Boot.String())
	t.add("serial", s.Serial)
	t.add("firmware", s.Firmware)
	t.add("proven", s.Proven)
	t.add("came in", map[bool]string{true: "by its site's file", false: "by starter enrol"}[s.Filed])
	t.add("power", s.power())
	t.add("BMC", s.BMC.String())
	return t
}

// run says what the run that holds it is for, and at.
func (s machineAnswer) run() string {
	text := s.machineLine.Run
	if s.Errand != "" {
		text += " (" + s.Errand + ")"
	}
	if s.OfRun == nil {
		return text + "; " + s.NoRun
	}
	text += fmt.Sprintf("; %s on %s since %s", s.OfRun.Step, s.OfRun.On, moment(s.OfRun.Since))
	if s.OfRun.Awaits != "" {
		text += fmt.Sprintf("; waits for %s until %s, then: %s", s.OfRun.Awaits, moment(s.OfRun.Deadline), s.OfRun.Next)
	}
	return text
}

func (s machineLine) power() string {
	if s.Read == nil {
		return "never read"
	}
	text := s.Power
	if s.Watts != nil {
		text += ", " + wattsOf(s.Watts) + " W"
	}
	return text + " at " + moment(*s.Read)
}

// sentences are the tests that were made.
func (b burnInLine) sentences() (all []string) {
	for _, r := range b.Results {
		text := r.Test
		if r.Part != "" {
			text += " of " + r.Part
		}
		text += fmt.Sprintf(": %s after %s", map[bool]string{true: "passed", false: "failed"}[r.Passed], time.Duration(r.Seconds*float64(time.Second)).Round(time.Second))
		if r.Detail != "" {
			text += ": " + r.Detail
		}
		all = append(all, harmless(text))
	}
	return all
}

func printIndented(a *app, title string, lines []string) {
	if len(lines) == 0 {
		return
	}
	fmt.Fprintf(a.out, "\n%s\n  %s\n", strings.ToUpper(title), strings.Join(lines, "\n  "))
}
