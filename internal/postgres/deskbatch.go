package postgres

import (
	"context"
	"net/netip"

	"github.com/jackc/pgx/v5"
)

// take answers every ticket of a batch. The transaction is nobody's own: one
// asker who gives up does not spoil it for the others.
func (d *Desk) take(w wish, batch []*ticket) {
	ctx, cancel := context.WithTimeout(context.Background(), batchLimit)
	defer cancel()
	asks, repeats := distinct(batch)
	err := d.insist(ctx, w, asks)
	if err != nil && len(asks) > 1 && ofOne(err) {
		for _, t := range asks {
			t.err = d.insist(ctx, w, []*ticket{t})
		}
	} else {
		for _, t := range asks {
			t.err = err
		}
	}
	for t, first := range repeats {
		t.got, t.err = first.got, first.err
	}
}

// distinct leaves out who has left, and sets apart who asks what another ticket
// asks: a statement that leased one ask twice would be refused.
func distinct(batch []*ticket) (asks []*ticket, repeats map[*ticket]*ticket) {
	type who struct{ holder, ask string }
	seen := make(map[who]*ticket, len(batch))
	for _, t := range batch {
		if t.err = t.ctx.Err(); t.err != nil {
			continue
		}
		if first := seen[who{t.holder, t.ask}]; first != nil {
			if repeats == nil {
				repeats = map[*ticket]*ticket{}
			}
			repeats[t] = first
			continue
		}
		seen[who{t.holder, t.ask}] = t
		asks = append(asks, t)
	}
	return asks, repeats
}

// statement is one round trip and one transaction. Its answer is complete only
// when that is committed: the rows come before.
const statement = `select t.at, t.got from take_prefixes($1, $2, $3::text[], $4::text[]) t`

func (d *Desk) once(ctx context.Context, w wish, asks []*ticket) error {
	holders, names := make([]string, len(asks)), make([]string, len(asks))
	for i, t := range asks {
		holders[i], names[i] = t.holder, t.ask
	}
	rows, err := d.pool.Query(ctx, statement, w.block, w.bits, holders, names)
	if err != nil {
		return err
	}
	got := make([]netip.Prefix, len(asks))
	var at int
	var prefix netip.Prefix
	if _, err = pgx.ForEachRow(rows, []any{&at, &prefix}, func() error { got[at-1] = prefix; return nil }); err != nil {
		return err
	}
	for i, t := range asks {
		t.got = got[i]
	}
	return nil
}
