package main

import (
	"context"
	"fmt"
	"strings"
)

// check is one question to Millwright's tables: each row is a finding.
type check struct {
	breach breach
	sql    string
}

// always holds once nothing is open, whatever devices there are.
var always = []check{
	{doubled, `select 'machines ' || string_agg(id, ', ') || ' are all held by device ' || device from machines where device is not null group by device having count(*) > 1`},
	{doubled, `select 'ports ' || string_agg(switch || ':' || name, ', ') || ' all carry device ' || device from ports where device is not null group by device having count(*) > 1`},
	{doubled, `select a.prefix || ' of ' || a.holder || ' and ' || b.prefix || ' of ' || b.holder || ' overlap'
		from pieces a join pieces b on a.holder is not null and b.holder is not null and a.first < b.first and a.prefix && b.prefix`},
	{doubled, `select 'device ' || a.device || ' is charged for twice at once, by usages ' || a.id || ' and ' || b.id
		from usages a join usages b on b.device = a.device and b.id > a.id
		where a.started_at < coalesce(b.ended_at, 'infinity') and b.started_at < coalesce(a.ended_at, 'infinity')`},
	{doubled, `select 'order ' || min(id) || ' and ' || count(*) - 1 || ' others provision device ' || device from orders where action = 'provision' group by device having count(*) > 1`},
	{leaked, `select 'device ' || d.id || ' is ' || d.state || ' and has no machine'
		from devices d where d.state in ('active', 'inactive') and not exists (select from machines m where m.device = d.id and m.state = 'occupied')`},
	{leaked, `select 'device ' || d.id || ' is ' || d.state || ' and nobody is charged for it'
		from devices d where d.state in ('active', 'inactive') and not exists (select from usages u where u.device = d.id and u.ended_at is null)`},
	{leaked, `select 'device ' || d.id || ' is ' || d.state || ' and still charged for'
		from usages u join devices d on d.id = u.device where u.ended_at is null
		and (d.state not in ('active', 'inactive', 'failed') or not exists (select from machines m where m.device = d.id))`},
	{leaked, `select 'device ' || o.device || ' was provisioned and never charged for' from orders o
		where o.action = 'provision' and o.state = 'done' and not exists (select from usages u where u.device = o.device)`},
	{leaked, `select 'device ' || d.id || ' was deleted at ' || d.deleted_at || ' and charged for until ' || u.ended_at
		from usages u join devices d on d.id = u.device where d.deleted_at is not null and u.ended_at > d.deleted_at + interval '1 second'`},
	{leaked, `select 'port ' || p.switch || ':' || p.name || ' is a tenant''s, and its machine ' || m.id || ' is ' || m.state
		from ports p join machines m on m.id = p.machine where p.profile = 'tenant' and m.state <> 'occupied'`},
	{leaked, `select 'port ' || switch || ':' || name || ' waits to be brought: ' || applied || ' of ' || generation from ports where applied < generation`},
	{leaked, `select 'machine ' || id || ' is in the pool with a tenant''s data' from machines where state = 'idle' and dirty`},
	{leaked, `select 'device ' || d.id || ' came from no order' from devices d where not exists (select from orders o where o.device = d.id and o.action = 'provision')`},
}

// empty holds once every device was taken apart.
var empty = []check{
	{leaked, `select 'device ' || id || ' is ' || state || ' though its end was ordered' from devices where state <> 'deleted'`},
	{leaked, `select 'machine ' || id || ' is ' || state || ' for device ' || coalesce(device, 'nobody') from machines where state not in ('idle', 'quarantined')`},
	{leaked, `select p.prefix || ' is held by ' || p.holder || ' though no device is left' from pieces p where p.device is not null and not exists (select from machines m where m.device = p.device and m.state = 'quarantined')`},
	{leaked, `select 'usage ' || id || ' of device ' || device || ' is open though no device is left' from usages where ended_at is null`},
}

// tables asks Millwright's own tables, with our questions and with those that
// an operator has.
func (w *world) tables(ctx context.Context, checks []check) (found []finding, err error) {
	for _, c := range checks {
		rows, err := w.texts(ctx, c.sql)
		if err != nil {
			return nil, fmt.Errorf("%w, asked:\n%s", err, c.sql)
		}
		for _, row := range rows {
			found = append(found, finding{c.breach, row, ""})
		}
	}
	leaks, err := w.Leaks(ctx)
	if err != nil {
		return nil, err
	}
	for _, l := range leaks {
		found = append(found, finding{leaked, l, "starter leaks"})
	}
	faults, err := w.Store.Queries().UsageFaults(ctx)
	for _, f := range faults {
		b := leaked
		if strings.Contains(f.Kind, "twice") {
			b = doubled
		}
		found = append(found, finding{b, f.What, "starter usage check"})
	}
	return found, err
}
