package main

import (
	"context"
	"fmt"
	"net/url"

	"github.com/jackc/pgx/v5"
)

// database makes an empty one and gives its DSN.
func (b *bench) database(ctx context.Context, name string) (string, error) {
	conn, err := pgx.Connect(ctx, b.stack.DSN)
	if err != nil {
		return "", err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if _, err := conn.Exec(ctx, "create database "+name); err != nil {
		return "", fmt.Errorf("create database %s: %w", name, err)
	}
	u, err := url.Parse(b.stack.DSN)
	if err != nil {
		return "", fmt.Errorf("read the stack's DSN: it is not a URL")
	}
	u.Path = "/" + name
	return u.String(), nil
}

// fill makes a block of which so many prefixes are held, from its beginning.
// The foreign keys are not asked for each row; check looks at all of them.
func (o *ours) fill(ctx context.Context, l load) error {
	err := pgx.BeginFunc(ctx, o.conn, func(tx pgx.Tx) error {
		for _, step := range []struct {
			sql  string
			args []any
		}{
			{"truncate pieces, tenures, blocks, aggregates cascade", nil},
			{"select add_block($1, null, 'lab1', 'private', 'pool', null, '')", []any{l.block}},
			{"set local session_replication_role = replica", nil},
			{"delete from pieces where block = $1 and $2 > 0", []any{l.block, l.held}},
			{`insert into pieces (prefix, aggregate, block, holder, ask, taken_at)
				select set_masklen(set_masklen($1::cidr::inet, 32) + i * (1 << (32 - $2)), $2)::cidr, b.aggregate, $1, 'project/before', i::text, now()
				from blocks b, generate_series(0, $3 - 1) i where b.prefix = $1`, []any{l.block, l.bits, l.held}},
			{`insert into pieces (prefix, aggregate, block)
				select rest, b.aggregate, $1 from blocks b, unnest(rest_after(
					set_masklen(set_masklen($1::cidr::inet, 32) + ($3 - 1) * (1 << (32 - $2)), $2)::cidr, $1)) rest
				where b.prefix = $1 and $3 > 0`, []any{l.block, l.bits, l.held}},
		} {
			if _, err := tx.Exec(ctx, step.sql, step.args...); err != nil {
				return fmt.Errorf("%s: %w", step.sql, err)
			}
		}
		return nil
	})
	// Not of an empty table: foreign keys would be looked up by a scan of its one
	// page, until autovacuum comes by and has them planned anew.
	if err == nil && l.held > 0 {
		_, err = o.conn.Exec(ctx, "vacuum analyze pieces")
	}
	if err != nil {
		return fmt.Errorf("fill the block, %s: %w", l, err)
	}
	return nil
}

// check counts addresses that two pieces cover, by a walk over all of them that
// uses no index and trusts no constraint, and requires that all are covered and
// that what was answered is held.
func (o *ours) check(ctx context.Context, held int) error {
	var twice, lost, found int
	err := pgx.BeginFunc(ctx, o.conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "set local enable_indexscan = off; set local enable_indexonlyscan = off; set local enable_bitmapscan = off"); err != nil {
			return err
		}
		return tx.QueryRow(ctx, `with ends as (
				select set_masklen(prefix::inet, 32) as low, set_masklen(broadcast(prefix), 32) as high, holder from pieces),
			walk as (
				select low, holder, max(high) over (order by low, high rows between unbounded preceding and 1 preceding) as before from ends)
			select count(*) filter (where low <= before), count(*) filter (where low > before + 1), count(holder) from walk`).Scan(&twice, &lost, &found)
	})
	if err == nil && (lost > 0 || found != held) {
		err = fmt.Errorf("%d gaps, and %d prefixes held where %d were answered", lost, found, held)
	}
	o.bench.twice += twice
	return err
}
