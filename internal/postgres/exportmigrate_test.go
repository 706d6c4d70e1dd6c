package postgres

import (
	"context"
	"time"
)

// MigrateWithin is Migrate with less patience.
func MigrateWithin(ctx context.Context, dsn string, lock, limit time.Duration) error {
	return patience{lock: lock, pause: lock / 2, limit: limit}.migrate(ctx, dsn)
}
