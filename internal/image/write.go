package image

import (
	"context"
	"errors"
)

// Writer brings images onto disks. Blocks are fetched, checked and written by
// several workers at once, each with one block in hand, so memory is bounded by
// their number and the disk has as many writes in flight.
type Writer struct {
	From     *Remote
	Workers  int      // DefaultWorkers if 0
	Progress Progress // of the write, then of the proof; may be nil

	// Erased says that the disk is proven to read as zeros: holes are left
	// alone, and the proof still reads them.
	Erased bool
}

// DefaultWorkers are enough for a fast disk behind a fast network. They have
// 32 MiB of blocks in hand, and 128 MiB where an image has the largest there are.
const DefaultWorkers = 16

// Install fetches an image, writes it, and proves what was written. Only with
// a Proof is the disk what it should be. It tries for as long as ctx lives:
// give it a deadline. What goes wrong for good has a type: TooSmallError,
// DiskError, ProofError, BlockError.
func (w *Writer) Install(ctx context.Context, id ID, path string) (*Proof, error) {
	ix, err := w.From.Index(ctx, id)
	if err != nil {
		return nil, err
	}
	if err := w.Write(ctx, id, ix, path); err != nil {
		return nil, err
	}
	return w.Prove(ctx, id, ix, path)
}

// Write puts an image onto a disk and flushes it. It may be repeated.
func (w *Writer) Write(ctx context.Context, id ID, ix *Index, path string) (err error) {
	d, err := openDisk(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.close()) }()
	if err := d.fits(ix); err != nil {
		return err
	}
	err = walk(ctx, ix, holesFirst(ix), w.workers(), w.Progress, func(ctx context.Context, s step, b *buffers) error {
		offset, _ := ix.Span(s.number)
		if s.block == nil {
			return w.hole(d, offset, extent(ix, s))
		}
		if err := w.From.block(ctx, id, ix, *s.block, b); err != nil {
			return err
		}
		return d.write(b.raw, offset)
	})
	if err != nil {
		return err
	}
	return d.flush()
}

func (w *Writer) hole(d *disk, offset, length int64) error {
	if w.Erased {
		return nil
	}
	return d.zero(offset, length)
}

func (w *Writer) workers() int {
	if w.Workers > 0 {
		return w.Workers
	}
	return DefaultWorkers
}
