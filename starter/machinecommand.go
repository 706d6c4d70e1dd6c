package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"millwright/internal/metal"
	"millwright/internal/postgres"
	"millwright/internal/postgres/query"
)

type machineCommand struct {
	List   machineListCommand   `cmd:"" help:"Machines: state, health, issues, power, and who has them."`
	Show   machineShowCommand   `cmd:"" help:"One machine: where it stands, how it is and why, and the ways out of its state."`
	Issues machineIssuesCommand `cmd:"" help:"What is the matter, with its cause and its cure; of one machine or of all."`
	Health machineHealthCommand `cmd:"" help:"What a patrol last read: sensors with their limits, parts, firmware against the baseline, the event log."`
	Sel    machineSelCommand    `cmd:"" help:"The system event log of a machine's BMC, as far as it was kept."`
	BMC    machineBMCCommand    `cmd:"" name:"bmc" help:"What is known of a machine's BMC: how it is asked, how often it fails, when it rests."`
	Power  machinePowerCommand  `cmd:"" help:"Whether a machine was on when it was last read; or switch one that is aside. A device's is switched by starter power."`

	Console consoleCommand `cmd:"" help:"Print what a machine printed on its serial console, as starter console does."`

	Commission machineCommissionCommand `cmd:"" help:"Prove that machines are what their plan says: BMC, hardware, cabling, burn-in, erasure. They end idle, or in quarantine."`
	Inspect    machineInspectCommand    `cmd:"" help:"Look at machines without touching what is on them. They end as they began, or in quarantine."`
	Retire     machineRetireCommand     `cmd:"" help:"End a machine's life here: erased with a certificate for each disk, and off."`

	Read     machineReadCommand     `cmd:"" help:"Have a machine's sensors and event log read now, as a patrol does."`
	ClearLog machineClearLogCommand `cmd:"" help:"Empty the event log of a machine's BMC; its entries are kept here."`
	ResetBMC machineResetBMCCommand `cmd:"" name:"reset-bmc" help:"Reset a machine's BMC cold. The machine goes on."`
	Rotate   machineRotateCommand   `cmd:"" help:"Give a machine's BMC a new password."`
	Firmware machineFirmwareCommand `cmd:"" help:"Bring a firmware of machines to a version."`

	Quarantine   machineQuarantineCommand   `cmd:"" help:"Take a machine out of use, on your word."`
	Release      machineReleaseCommand      `cmd:"" help:"Free a machine, on your word that it is fit. Its issues are closed in your name."`
	Maintain     machineMaintainCommand     `cmd:"" help:"Take a machine for yourself, until a date."`
	Restore      machineRestoreCommand      `cmd:"" help:"Give a machine back from maintenance or retirement: it is proven again."`
	AcceptSerial machineAcceptSerialCommand `cmd:"" help:"Its board was replaced: the serial that is found next is the machine's."`
	CloseIssue   machineCloseIssueCommand   `cmd:"" help:"Close one issue, on your word."`
}

// namedMachine is what commands on one machine take.
type namedMachine struct {
	Name metal.MachineID `arg:"" help:"The machine's name."`
}

// read answers with the machine, or with where its name is to be found.
func (n namedMachine) read(ctx context.Context, a *app) (*postgres.Store, query.GetMachineRow, error) {
	store, err := a.database(ctx)
	if err != nil {
		return nil, query.GetMachineRow{}, err
	}
	m, err := store.Queries().GetMachine(ctx, string(n.Name))
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		err = fmt.Errorf("machine %s: %w", n.Name, metal.ErrUnknownMachine)
	case err != nil:
		err = fmt.Errorf("read machine %s: %w", n.Name, err)
	}
	return store, m, err
}
