package vault

import (
	"context"
	"fmt"

	"millwright/internal/metal"
)

// Stock is everything that is sealed, by name.
type Stock interface {
	// SealedRows are the rows behind one, in order; those of a zero row are the first.
	SealedRows(ctx context.Context, after metal.SealedRow, most int) ([]metal.SealedRow, error)
	// Reseal exchanges a row's ciphertext; false where another one stands there by now.
	Reseal(ctx context.Context, row metal.SealedRow, sealed []byte) (bool, error)
}

// batch is how many rows are read at once: some 100 KiB.
const batch = 500

// Count is how much a key seals.
type Count struct {
	Key    Key
	Rows   int
	Absent bool // it seals rows, but the file does not have it
	Broken int  // rows that it cannot open: damaged, or moved to another machine
}

// Status counts what each key seals, and opens every row to see that it can be.
// Rows that were not sealed by us are under the key 0.
func (v *Vault) Status(ctx context.Context, stock Stock) ([]Count, error) {
	keys, err := v.Keys()
	if err != nil {
		return nil, err
	}
	counts, at := make([]Count, len(keys)), map[KeyID]int{}
	for i, key := range keys {
		counts[i].Key, at[key.ID] = key, i
	}
	err = each(ctx, stock, func(row metal.SealedRow) error {
		id, _ := KeyOf(row.Sealed)
		i, ok := at[id]
		if !ok {
			i, at[id] = len(counts), len(counts)
			counts = append(counts, Count{Key: Key{ID: id}, Absent: true})
		}
		counts[i].Rows++
		if _, err := v.Unseal(row.Sealed, row.Name); err != nil && !counts[i].Absent {
			counts[i].Broken++
		}
		return nil
	})
	return counts, err
}

// Reseal seals everything with the newest key that is sealed with an older one,
// and says how many rows that were. Safe to repeat, and beside everything else:
// a row that changes between is sealed with the newest key by who changed it, or
// found the next time. Rows that cannot be opened are left, and named at the end.
func (v *Vault) Reseal(ctx context.Context, stock Stock) (done int, err error) {
	k, err := v.current()
	if err != nil {
		return 0, err
	}
	var left int
	var first error
	err = each(ctx, stock, func(row metal.SealedRow) error {
		if id, ok := KeyOf(row.Sealed); ok && id == k.newest() {
			return nil
		}
		cred, err := v.Unseal(row.Sealed, row.Name)
		if err != nil {
			if left++; first == nil {
				first = err
			}
			return nil
		}
		sealed, err := v.Seal(cred, row.Name)
		if err != nil {
			return err
		}
		changed, err := stock.Reseal(ctx, row, sealed)
		if changed {
			done++
		}
		return err
	})
	if err == nil && left > 0 {
		err = fmt.Errorf("%d rows could not be opened and are as they were, the first because: %w", left, first)
	}
	return done, err
}

// each visits every sealed row, in batches.
func each(ctx context.Context, stock Stock, visit func(metal.SealedRow) error) error {
	var after metal.SealedRow
	for {
		rows, err := stock.SealedRows(ctx, after, batch)
		if err != nil {
			return err
		}
		for _, row := range rows {
			if err := visit(row); err != nil {
				return err
			}
		}
		if len(rows) < batch {
			return nil
		}
		after = rows[len(rows)-1]
	}
}
