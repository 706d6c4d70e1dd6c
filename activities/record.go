package activities

import (
	"context"

	"go.temporal.io/sdk/activity"

	"millwright/internal/metal"
)

// Forgetting is what drops what is older than it is kept. It says how much of
// what it dropped, also beside an error.
type Forgetting interface {
	Forget(ctx context.Context, keep metal.Keep) (map[string]int64, error)
}

// forget drops what nobody asks for any more. What it cannot drop holds up no
// lost order: an alert says how long ago everything was gone through.
func (l *Lost) forget(ctx context.Context) {
	gone, err := l.Store.Forget(ctx, l.Keep)
	if err != nil && ctx.Err() == nil {
		activity.GetLogger(ctx).Warn("what is old stays until the next look", "error", err)
	}
	if len(gone) > 0 {
		activity.GetLogger(ctx).Info("forgot what is old", "rows", gone)
	}
}
