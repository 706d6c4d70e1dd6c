package bmc

import (
	"context"
	"sync"
	"time"

	"millwright/internal/metal"
)

// Ledger says whose turn it is at each BMC, for all processes that speak to
// BMCs, and keeps what they learnt of it.
type Ledger interface {
	// Take takes a BMC's turn for the holder until a moment. It answers false
	// while another holder has it and that holder's moment has not come. A
	// holder that has the turn may take it again, which moves its end. The
	// record is what the last Done left, or zero.
	Take(ctx context.Context, machine metal.MachineID, holder string, until time.Time) (record metal.BMCRecord, mine bool, err error)
	// Done gives the turn back and keeps the record. It changes nothing if the
	// turn is another holder's by now.
	Done(ctx context.Context, machine metal.MachineID, holder string, record metal.BMCRecord) error
}

// Memory is a Ledger for the drivers of one process. Its zero value is ready.
type Memory struct {
	mu   sync.Mutex
	rows map[metal.MachineID]memoryRow
}

type memoryRow struct {
	record metal.BMCRecord
	holder string
	until  time.Time
}

// Take is Ledger's.
func (m *Memory) Take(_ context.Context, machine metal.MachineID, holder string, until time.Time) (metal.BMCRecord, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	row := m.rows[machine]
	if row.holder != holder && time.Now().Before(row.until) {
		return metal.BMCRecord{}, false, nil
	}
	m.keep(machine, memoryRow{row.record, holder, until})
	return row.record, true, nil
}

// Done is Ledger's.
func (m *Memory) Done(_ context.Context, machine metal.MachineID, holder string, record metal.BMCRecord) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.rows[machine].holder == holder {
		m.keep(machine, memoryRow{record: record})
	}
	return nil
}

func (m *Memory) keep(machine metal.MachineID, row memoryRow) {
	if m.rows == nil {
		m.rows = map[metal.MachineID]memoryRow{}
	}
	m.rows[machine] = row
}

// Record is what is known of a BMC.
func (m *Memory) Record(machine metal.MachineID) metal.BMCRecord {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.rows[machine].record
}
