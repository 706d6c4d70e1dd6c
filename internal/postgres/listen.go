package postgres

import (
	"context"
	"fmt"

	"millwright/internal/metal"
)

// ListenWebhooks calls due with each endpoint that has something new to be
// delivered, until ctx ends or the connection is lost. It begins with "", which
// means that any of them may have.
func (s *Store) ListenWebhooks(ctx context.Context, due func(metal.WebhookID)) error {
	return s.listen(ctx, "webhooks", func(payload string) { due(metal.WebhookID(payload)) })
}

// ListenTurns calls come whenever a machine has become free that somebody waits
// for, until ctx ends or the connection is lost; and once at the beginning.
func (s *Store) ListenTurns(ctx context.Context, come func()) error {
	return s.listen(ctx, "turns", func(string) { come() })
}

// listen calls heard with "" at the beginning, for what was missed, and then
// with each payload.
func (s *Store) listen(ctx context.Context, channel string, heard func(payload string)) error {
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("listen for %s: %w", channel, err)
	}
	pg := conn.Hijack() // a listening connection must not go back to the pool
	defer pg.Close(context.WithoutCancel(ctx))
	if _, err := pg.Exec(ctx, "listen "+channel); err != nil {
		return fmt.Errorf("listen for %s: %w", channel, err)
	}
	heard("")
	for {
		n, err := pg.WaitForNotification(ctx)
		if err != nil {
			return fmt.Errorf("listen for %s: %w", channel, err)
		}
		heard(n.Payload)
	}
}
