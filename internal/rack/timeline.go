package rack

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/jackc/pgx/v5"

	"millwright/internal/metal"
)

// moment is a step of a machine's way, and when it was taken.
type moment struct {
	name string
	at   time.Time // zero where it was not seen: a warm machine is not switched on
}

// timeline is a machine's way from an order on.
type timeline struct {
	machine metal.MachineID
	order   time.Time
	moments []moment
}

// seen are the moments that machines and the switch show by themselves. What
// the agent and the installed system say is read from what boot recorded.
var seen = []struct {
	name  string
	sight func(line string) bool
}{
	{"power", func(l string) bool { return l == chassisSays+"power on" }},
	{"DHCP", func(l string) bool { return strings.HasPrefix(l, relaySays) }},
	{"script", func(l string) bool { return strings.Contains(l, " boots the agent, boot ") }},
}

// kernel is how Linux begins on a serial line.
func kernel(line string) bool { return strings.Contains(line, "] Linux version ") }

// timeline reads a machine's way out of the diary and out of Postgres.
func (r *Rack) timeline(ctx context.Context, m metal.MachineID, order time.Time) (timeline, error) {
	line := timeline{machine: m, order: order}
	said, err := r.reports(ctx, m, order)
	if err != nil {
		return line, err
	}
	up, installed := said[metal.AgentUp], said[metal.Installed]
	for _, s := range seen {
		at, _ := r.diary.first(m, order, s.sight)
		if !up.IsZero() && at.After(up) {
			at = time.Time{} // on the way back to the disk
		}
		line.add(s.name, at)
	}
	line.add("agent", up)
	line.add("rescue", said[metal.Rescued])
	line.add("image written", installed)
	if !installed.IsZero() {
		at, _ := r.diary.first(m, installed, kernel)
		line.add("kernel", at)
	}
	line.add("phone-home", said[metal.PhoneHome])
	line.add("erased", said[metal.Erased])
	return line, nil
}

// add notes a moment; one that was not seen has nothing to say.
func (t *timeline) add(name string, at time.Time) {
	if !at.IsZero() {
		t.moments = append(t.moments, moment{name, at})
	}
}

// seconds are from the order to a moment; 0 where it was not seen.
func (t timeline) seconds(name string) float64 {
	for _, m := range t.moments {
		if m.name == name {
			return float64(m.at.Sub(t.order).Round(100*time.Millisecond)) / float64(time.Second)
		}
	}
	return 0
}

// print is the machine's way on two lines: names, and seconds from the order.
func (t timeline) print(out io.Writer) {
	var text strings.Builder // written at once: others may write, too
	table := tabwriter.NewWriter(&text, 0, 0, 2, ' ', tabwriter.AlignRight)
	var names, seconds strings.Builder
	for _, m := range t.moments {
		fmt.Fprintf(&names, "%s\t", m.name)
		fmt.Fprintf(&seconds, "%.1f\t", t.seconds(m.name))
	}
	fmt.Fprintf(table, "%s\n%s\n", names.String(), seconds.String())
	_ = table.Flush()
	_, _ = io.WriteString(out, text.String())
}

// reports are what a machine said from a moment on, each kind's first.
func (r *Rack) reports(ctx context.Context, m metal.MachineID, from time.Time) (map[metal.ReportKind]time.Time, error) {
	db, err := pgx.Connect(ctx, r.Stack.DSN)
	if err != nil {
		return nil, err
	}
	defer func() { _ = db.Close(ctx) }()
	rows, err := db.Query(ctx, "select kind, min(reported_at) from reports where machine = $1 and reported_at >= $2 group by kind", m, from)
	if err != nil {
		return nil, err
	}
	said := map[metal.ReportKind]time.Time{}
	var kind string
	var at time.Time
	_, err = pgx.ForEachRow(rows, []any{&kind, &at}, func() error {
		said[metal.ReportKind(kind)] = at
		return nil
	})
	return said, err
}
