package rack

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// disturb waits until the image is being written, kills the boot services and
// starts them again, waits until more of the image is written, and pulls the
// machine's plug. Nobody is told of either.
func (l *life) disturb(ctx context.Context, from time.Time) error {
	written, err := l.writing(ctx, from, 0)
	if err != nil {
		return err
	}
	l.Boot.Kill()
	if err := l.Boot.Start(ctx); err != nil {
		return err
	}
	fmt.Fprintf(l.out, "boot was killed and started again at byte %d of the image\n", written)
	if written, err = l.writing(ctx, from, written); err != nil {
		return err
	}
	l.Machine.Kill()
	fmt.Fprintf(l.out, "the machine lost its power at byte %d of the image\n", written)
	return nil
}

// writing waits until the machine's agent says that it has written more of the
// image than so much.
func (l *life) writing(ctx context.Context, from time.Time, more int64) (done int64, err error) {
	db, err := pgx.Connect(ctx, l.Stack.DSN)
	if err != nil {
		return 0, err
	}
	defer func() { _ = db.Close(context.WithoutCancel(ctx)) }()
	for {
		err := db.QueryRow(ctx, "select done from steps where machine = $1 and step = 'image' and done > $2 and at >= $3", l.ID, more, from).Scan(&done)
		if !errors.Is(err, pgx.ErrNoRows) {
			return done, err
		}
		select {
		case <-ctx.Done():
			return 0, fmt.Errorf("wait for the image to be written beyond byte %d: %w", more, ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
}
