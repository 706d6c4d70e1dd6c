package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"millwright/internal/metal"
	"millwright/internal/postgres"
	"millwright/internal/postgres/query"
)

type machineBMCCommand struct {
	namedMachine `embed:""`
}

// bmcAnswer is what is declared of a BMC, and what was learnt of it. No
// password: the name of the credential says where one is.
type bmcAnswer struct {
	Address    string     `json:"address"`
	Declared   string     `json:"declared_protocol"`
	Credential string     `json:"credential"`
	Protocol   string     `json:"protocol"` // that works
	Gap        string     `json:"gap,omitempty"`
	Score      float32    `json:"score"` // share of conversations that failed, of late
	Failures   int32      `json:"failures_in_a_row"`
	RestsUntil *time.Time `json:"rests_until,omitempty"`
	LastError  string     `json:"last_error,omitempty"`
	LastOK     *time.Time `json:"last_ok,omitempty"`
	Reset      *time.Time `json:"reset_at,omitempty"` // its last cold reset
	Asked      bool       `json:"asked"`              // anybody ever spoke to it
}

// readBMC puts the two halves together.
func readBMC(ctx context.Context, store *postgres.Store, m query.GetMachineRow) (bmcAnswer, error) {
	var declared struct{ Protocol, Credential string }
	if err := json.Unmarshal(m.Bmc, &declared); err != nil {
		return bmcAnswer{}, fmt.Errorf("read what is declared of its BMC: %w", err)
	}
	answer := bmcAnswer{Address: m.BmcAddress, Declared: declared.Protocol, Credential: declared.Credential, Protocol: declared.Protocol}
	known, err := store.BMCRecord(ctx, metal.MachineID(m.ID))
	if err != nil {
		return answer, fmt.Errorf("read what is known of its BMC: %w", err)
	}
	answer.Asked = known.Failures > 0 || !known.LastOK.IsZero() || known.LastError != ""
	if known.Protocol != "" {
		answer.Protocol = string(known.Protocol)
	}
	if known.Gap > 0 {
		answer.Gap = known.Gap.String()
	}
	answer.Score, answer.Failures, answer.LastError = float32(known.Score), int32(known.Failures), harmless(known.LastError)
	answer.RestsUntil, answer.LastOK, answer.Reset = ever(known.RestsUntil), ever(known.LastOK), ever(known.ResetAt)
	if answer.RestsUntil != nil && answer.RestsUntil.Before(time.Now()) {
		answer.RestsUntil = nil
	}
	return answer, nil
}

func ever(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// String is a BMC in a line.
func (b bmcAnswer) String() string {
	facts := []string{fmt.Sprintf("%s by %s", b.Address, b.Protocol)}
	switch {
	case !b.Asked:
		facts = append(facts, "nobody asked it yet")
	case b.Failures > 0:
		facts = append(facts, fmt.Sprintf("%d failures in a row: %s", b.Failures, b.LastError))
	default:
		facts = append(facts, fmt.Sprintf("answers; %.0f%% failed of late", 100*b.Score))
	}
	if b.RestsUntil != nil {
		facts = append(facts, "rests until "+moment(*b.RestsUntil))
	}
	return strings.Join(facts, "; ")
}

// Run prints the record; it asks no BMC.
func (c machineBMCCommand) Run(ctx context.Context, a *app) error {
	store, m, err := c.read(ctx, a)
	if err != nil {
		return err
	}
	b, err := readBMC(ctx, store, m)
	if err != nil {
		return fmt.Errorf("machine %s: %w", m.ID, err)
	}
	if a.Output == "json" {
		return printJSON(a.out, b)
	}
	t := &table{}
	t.add("machine", m.ID)
	t.add("address", b.Address)
	t.add("protocol", b.protocol())
	t.add("credential", b.Credential)
	t.add("gap", cmp.Or(b.Gap, "the usual one"))
	t.add("failed of late", fmt.Sprintf("%.0f%%", 100*b.Score))
	t.add("failed in a row", b.Failures)
	t.add("last error", b.LastError)
	t.add("last answer", b.LastOK)
	t.add("rests until", b.RestsUntil)
	t.add("cold reset", b.Reset)
	return t.print(a.out, "table")
}

func (b bmcAnswer) protocol() string {
	if b.Protocol == b.Declared {
		return b.Protocol
	}
	return fmt.Sprintf("%s; %s is declared, and did not answer", b.Protocol, b.Declared)
}
