package postgres

import (
	"context"
	"fmt"
	"time"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

const (
	// forgottenAtOnce bounds what one transaction deletes.
	forgottenAtOnce = 5000
	// forgottenPasses bounds what one turn deletes of one kind: a turn an hour
	// forgets 72 million rows a month, and holds nobody up for minutes.
	forgottenPasses = 20
)

// forget deletes what is older of one kind, at most so many rows, and says how
// many those were.
type forget func(q *query.Queries, ctx context.Context, older time.Duration, most int32) (int64, error)

// forgotten is what is forgotten, in an order in which nothing is named by what
// comes later: deliveries name events, devices name user data.
var forgotten = []struct {
	what  string
	after func(metal.Keep) time.Duration
	forget
}{
	{"changes", asAudit, func(q *query.Queries, ctx context.Context, older time.Duration, most int32) (int64, error) {
		return q.ForgetChanges(ctx, query.ForgetChangesParams{Older: older, Most: most})
	}},
	{"orders", asAudit, func(q *query.Queries, ctx context.Context, older time.Duration, most int32) (int64, error) {
		return q.ForgetOrders(ctx, query.ForgetOrdersParams{Older: older, Most: most})
	}},
	{"tenures", asAudit, func(q *query.Queries, ctx context.Context, older time.Duration, most int32) (int64, error) {
		return q.ForgetTenures(ctx, query.ForgetTenuresParams{Older: older, Most: most})
	}},
	{"api_keys", asAudit, func(q *query.Queries, ctx context.Context, older time.Duration, most int32) (int64, error) {
		return q.ForgetKeys(ctx, query.ForgetKeysParams{Older: older, Most: most})
	}},
	{"invitations", asAudit, func(q *query.Queries, ctx context.Context, older time.Duration, most int32) (int64, error) {
		return q.ForgetInvitations(ctx, query.ForgetInvitationsParams{Older: older, Most: most})
	}},
	{"deliveries", asLogs, func(q *query.Queries, ctx context.Context, older time.Duration, most int32) (int64, error) {
		return q.ForgetDeliveries(ctx, query.ForgetDeliveriesParams{Older: older, Most: most})
	}},
	{"events", asEvents, func(q *query.Queries, ctx context.Context, older time.Duration, most int32) (int64, error) {
		return q.ForgetEvents(ctx, query.ForgetEventsParams{Older: older, Most: most})
	}},
	{"commits", asEvents, func(q *query.Queries, ctx context.Context, older time.Duration, most int32) (int64, error) {
		return q.ForgetCommits(ctx, query.ForgetCommitsParams{Older: older, Most: most})
	}},
	{"log_entries", asEvents, func(q *query.Queries, ctx context.Context, older time.Duration, most int32) (int64, error) {
		return q.ForgetBMCLogs(ctx, query.ForgetBMCLogsParams{Older: older, Most: most})
	}},
	{"issues", asEvents, func(q *query.Queries, ctx context.Context, older time.Duration, most int32) (int64, error) {
		return q.ForgetIssues(ctx, query.ForgetIssuesParams{Older: older, Most: most})
	}},
	{"burn_ins", asEvents, func(q *query.Queries, ctx context.Context, older time.Duration, most int32) (int64, error) {
		return q.ForgetBurnIns(ctx, query.ForgetBurnInsParams{Older: older, Most: most})
	}},
	{"consoles", asLogs, func(q *query.Queries, ctx context.Context, older time.Duration, most int32) (int64, error) {
		return q.DropOldConsoles(ctx, query.DropOldConsolesParams{Older: older, Most: most})
	}},
	{"agent_logs", asLogs, func(q *query.Queries, ctx context.Context, older time.Duration, most int32) (int64, error) {
		return q.ForgetLogs(ctx, query.ForgetLogsParams{Older: older, Most: most})
	}},
	{"reports", asLogs, func(q *query.Queries, ctx context.Context, older time.Duration, most int32) (int64, error) {
		return q.ForgetReports(ctx, query.ForgetReportsParams{Older: older, Most: most})
	}},
	{"repeats", asLogs, func(q *query.Queries, ctx context.Context, older time.Duration, most int32) (int64, error) {
		return q.ForgetRepeats(ctx, query.ForgetRepeatsParams{Older: older, Most: most})
	}},
	{"address_notes", asLogs, func(q *query.Queries, ctx context.Context, older time.Duration, most int32) (int64, error) {
		return q.ForgetAddressNotes(ctx, query.ForgetAddressNotesParams{Older: older, Most: most})
	}},
	{"devices' user data", asLogs, func(q *query.Queries, ctx context.Context, older time.Duration, most int32) (int64, error) {
		return q.TakeUserDataBack(ctx, query.TakeUserDataBackParams{Older: older, Most: most})
	}},
	{"user_data", asLogs, func(q *query.Queries, ctx context.Context, older time.Duration, most int32) (int64, error) {
		return q.ForgetUserData(ctx, query.ForgetUserDataParams{Older: older, Most: most})
	}},
}

func asAudit(k metal.Keep) time.Duration  { return k.Audit }
func asEvents(k metal.Keep) time.Duration { return k.Events }
func asLogs(k metal.Keep) time.Duration   { return k.Logs }

// Forget drops what is older than it is kept, if it is time for it, and says
// how much of what that was. One that is in the middle of it is not waited for:
// the turn is taken at its beginning. Safe to repeat.
func (s *Store) Forget(ctx context.Context, keep metal.Keep) (map[string]int64, error) {
	keep = keep.OrUsual()
	gone := map[string]int64{}
	mine, err := s.Queries().TakeRetention(ctx, keep.Every())
	if err != nil || mine == 0 {
		return gone, err
	}
	for _, f := range forgotten {
		n, err := s.inParts(ctx, f.forget, f.after(keep))
		if n > 0 {
			gone[f.what] = n
		}
		if err != nil {
			return gone, fmt.Errorf("forget old %s: %w", f.what, err)
		}
	}
	if err := s.Queries().ForgetSignIns(ctx); err != nil {
		return gone, fmt.Errorf("forget sign-ins that nobody ended: %w", err)
	}
	return gone, s.Queries().EndRetention(ctx)
}

func (s *Store) inParts(ctx context.Context, f forget, older time.Duration) (all int64, err error) {
	for range forgottenPasses {
		n, err := f(s.Queries(), ctx, older, forgottenAtOnce)
		all += n
		if err != nil || n < forgottenAtOnce {
			return all, err
		}
	}
	return all, nil
}
