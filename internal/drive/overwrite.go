package drive

import (
	"context"
	"fmt"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

const (
	// pieceSize is one write or read: large enough for a disk's full speed, small
	// enough that the end of ctx is noticed within a moment.
	pieceSize = 1 << 20
	// inFlight keeps an NVMe disk's channels busy, and is little enough that a
	// spinning disk still sees its writes in order.
	inFlight = 4
	// discardSize is one discard or write zeroes: a disk may take seconds for it.
	discardSize = 1 << 30
)

// overwriteAll writes zeroes everywhere, and returns once the disk has them.
func (j *job) overwriteAll(ctx context.Context, progress Progress) error {
	zero := buffer(pieceSize)
	err := eachPiece(ctx, j.disk.Size, inFlight, func(at, n int64) error {
		if _, err := j.WriteAt(zero[:n], at); err != nil {
			return fmt.Errorf("write at byte %d: %w", at, named(err))
		}
		return nil
	}, func(percent int) { progress.tell("overwrite", percent) })
	if err != nil {
		return err
	}
	if err := j.Flush(); err != nil {
		return fmt.Errorf("flush: %w", named(err))
	}
	return nil
}

// eachPiece cuts size bytes into pieces and hands them to several workers, in
// order as far as several can keep one.
func eachPiece(ctx context.Context, size int64, workers int, use func(at, n int64) error, tell func(percent int)) error {
	var next, done atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	for range workers {
		group.Go(func() error {
			for {
				at := next.Add(pieceSize) - pieceSize
				if at >= size {
					return nil
				}
				if ctx.Err() != nil {
					return fmt.Errorf("stopped at byte %d: %w", at, ctx.Err())
				}
				n := min(pieceSize, size-at)
				if err := use(at, n); err != nil {
					return err
				}
				before := done.Add(n) - n
				if now := percentOf(before+n, size); now != percentOf(before, size) {
					tell(now)
				}
			}
		})
	}
	return group.Wait()
}

// percentOf does not overflow: no disk has 2^56 bytes.
func percentOf(done, size int64) int { return int(done * 100 / size) }

func (j *job) discardAll(ctx context.Context, progress Progress) error {
	return j.inSpans(ctx, "discard", progress, j.Discard)
}

func (j *job) zeroAll(ctx context.Context, progress Progress) error {
	return j.inSpans(ctx, "write zeroes", progress, j.Zero)
}

// inSpans has the disk do something to all of itself. If it does not take the
// first span it has changed nothing, and another method is tried.
func (j *job) inSpans(ctx context.Context, step string, progress Progress, do func(at, n int64) error) error {
	for at := int64(0); at < j.disk.Size; at += discardSize {
		n := min(discardSize, j.disk.Size-at)
		err := await(ctx, func() error { return do(at, n) })
		switch {
		case err != nil && ctx.Err() != nil:
			return fmt.Errorf("%s at byte %d: %w", step, at, ctx.Err())
		case err != nil && at == 0:
			return fmt.Errorf("%s: %w: %w", step, errRefused, err)
		case err != nil:
			return fmt.Errorf("%s at byte %d: %w", step, at, named(err))
		}
		progress.tell(step, percentOf(at+n, j.disk.Size))
	}
	if err := j.Flush(); err != nil {
		return fmt.Errorf("flush: %w", named(err))
	}
	return nil
}
