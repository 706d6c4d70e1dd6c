package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// rowsOf counts a fate's tables exactly: estimates lag behind by minutes.
func (w *world) rowsOf(ctx context.Context, into map[key]float64) error {
	var each []string
	for _, table := range w.tables {
		each = append(each, fmt.Sprintf(`select '%s', count(*), pg_total_relation_size('%[1]s'),
			coalesce((select n_dead_tup from pg_stat_user_tables where relname = '%[1]s'), 0) from %[1]s`, table))
	}
	all, err := w.sql.Query(ctx, strings.Join(each, " union all "))
	if err != nil {
		return fmt.Errorf("count rows: %w", err)
	}
	var table string
	var n, bytes, dead float64
	_, err = pgx.ForEachRow(all, []any{&table, &n, &bytes, &dead}, func() error {
		ofRows, ofSize := rows, size
		if fates[table] == forever {
			ofRows, ofSize = shown, shown
		}
		into[key{ofRows, "rows of " + table}] = n
		into[key{ofSize, "bytes of " + table}] = bytes
		into[key{shown, "dead rows of " + table}] = dead
		return nil
	})
	return err
}

// connectionsOf counts who is connected, all together and by who it is.
func (w *world) connectionsOf(ctx context.Context, into map[key]float64) error {
	all, err := w.sql.Query(ctx, `select case when datname like 'temporal%' then 'temporal' else coalesce(datname, '') end
			|| ' ' || coalesce(nullif(application_name, ''), '?') || ' ' || coalesce(state, '?'), count(*)
		from pg_stat_activity where backend_type = 'client backend' group by 1`)
	if err != nil {
		return fmt.Errorf("count connections: %w", err)
	}
	var who string
	var n float64
	_, err = pgx.ForEachRow(all, []any{&who, &n}, func() error {
		into[key{shown, "connections " + who}] = n
		if strings.HasPrefix(who, "millwright") { // Temporal's pools are Temporal's, and bounded
			into[key{connections, "to Millwright's database"}] += n
		}
		return nil
	})
	return err
}

// scheduler are Temporal's own runs, one for each schedule. They go on in a new
// history where the server suggests it, at 4,096 events: longer than a soak.
const scheduler = "workflow_id like 'temporal-sys-scheduler:%'"

// temporalOf counts what Temporal keeps: runs, open and closed, what is to be
// done, and the longest history.
func (w *world) temporalOf(ctx context.Context, into map[key]float64) error {
	one := func(db *pgxpool.Pool, of kind, name, sql string) error {
		var n float64
		if err := db.QueryRow(ctx, sql).Scan(&n); err != nil {
			return fmt.Errorf("count %s: %w", name, err)
		}
		into[key{of, name}] = n
		return nil
	}
	for _, q := range []struct {
		db   *pgxpool.Pool
		of   kind
		name string
		sql  string
	}{
		{w.persistence, runs, "runs in Temporal", "select count(*) from executions"},
		{w.persistence, runs, "history nodes in Temporal", `select count(*) from history_node n
			where not exists (select from executions e where e.run_id = n.tree_id and ` + scheduler + `)`},
		{w.persistence, longest, "events of the longest history", "select coalesce(max(next_event_id), 0) from executions where not " + scheduler},
		{w.persistence, shown, "events of the longest scheduler", "select coalesce(max(next_event_id), 0) from executions where " + scheduler},
		{w.persistence, shown, "bytes of Temporal's database", "select pg_database_size(current_database())"},
		{w.visibility, runs, "runs that can be listed", "select count(*) from executions_visibility"},
		{w.visibility, runs, "open runs", "select count(*) from executions_visibility where status = 1"},
	} {
		if err := one(q.db, q.of, q.name, q.sql); err != nil {
			return err
		}
	}
	return nil
}
