package activities

import (
	"cmp"
	"context"
	"time"
)

// Records are what is kept of what was asked, for a while.
type Records interface {
	ForgetChanges(ctx context.Context, olderThan time.Duration) (int64, error)
	ForgetRepeats(ctx context.Context, olderThan time.Duration) (int64, error)
	ForgetSignIns(ctx context.Context) error
}

const (
	// auditFor is how long the record of changes is kept, unless the worker says
	// otherwise: a year, and what an auditor needs to come by.
	auditFor = 400 * 24 * time.Hour
	// repeatsFor is how long a request's own key finds what was done: longer
	// than any client repeats one.
	repeatsFor = 30 * 24 * time.Hour
)

// forgetRecords drops what nobody asks for any more.
func (l *Lost) forgetRecords(ctx context.Context) error {
	if _, err := l.Store.ForgetChanges(ctx, cmp.Or(l.AuditKeep, auditFor)); err != nil {
		return err
	}
	if _, err := l.Store.ForgetRepeats(ctx, repeatsFor); err != nil {
		return err
	}
	return l.Store.ForgetSignIns(ctx)
}
