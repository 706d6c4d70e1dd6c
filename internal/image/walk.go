package image

import (
	"context"
	"iter"
	"sync"

	"golang.org/x/sync/errgroup"
)

// Progress is told how many bytes of an image are settled, holes among them.
// Calls come one at a time.
type Progress func(done, size int64)

// step is one piece of work on a disk: a block, or a run of holes.
type step struct {
	number int64 // first block
	count  int64 // blocks, more than one of holes only
	block  *Block
}

// steps lists an image in the order of the disk. Runs of holes are cut, so
// that one that the kernel fills with zeros can be interrupted in between.
func steps(ix *Index) iter.Seq[step] {
	longest := max(1, int64(64<<20/ix.BlockSize))
	return func(yield func(step) bool) {
		next := int64(0)
		holes := func(to int64) bool {
			for next < to {
				n := min(to-next, longest)
				if !yield(step{number: next, count: n}) {
					return false
				}
				next += n
			}
			return true
		}
		for i := range ix.Blocks {
			n := int64(ix.Blocks[i].Number)
			if !holes(n) || !yield(step{number: n, count: 1, block: &ix.Blocks[i]}) {
				return
			}
			next = n + 1
		}
		holes(ix.Count())
	}
}

// holesFirst lists the same steps in another order. A drive that is told to
// discard finishes its writes before, and a file system likewise: in between
// every few writes that costs more than the writes (measured on ext4).
func holesFirst(ix *Index) iter.Seq[step] {
	return func(yield func(step) bool) {
		for _, blocks := range []bool{false, true} {
			for s := range steps(ix) {
				if (s.block != nil) == blocks && !yield(s) {
					return
				}
			}
		}
	}
}

// walk does steps of an image, so many at once. Each worker has buffers of its
// own. The first error ends it.
func walk(ctx context.Context, ix *Index, all iter.Seq[step], workers int, progress Progress, do func(context.Context, step, *buffers) error) error {
	group, ctx := errgroup.WithContext(ctx)
	queue := make(chan step)
	group.Go(func() error {
		defer close(queue)
		for s := range all {
			select {
			case queue <- s:
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
		return nil
	})
	done := counter(ix, progress)
	for range workers {
		group.Go(func() error {
			b := newBuffers(ix.BlockSize)
			for s := range queue {
				if err := do(ctx, s, b); err != nil {
					return err
				}
				done(s)
			}
			return nil
		})
	}
	return group.Wait()
}

// counter adds steps up for a Progress.
func counter(ix *Index, progress Progress) func(step) {
	if progress == nil {
		return func(step) {}
	}
	var mu sync.Mutex
	var sum int64
	return func(s step) {
		mu.Lock()
		defer mu.Unlock()
		sum += extent(ix, s)
		progress(sum, ix.Size)
	}
}

// extent is how many bytes a step covers.
func extent(ix *Index, s step) int64 {
	offset, _ := ix.Span(s.number)
	last, length := ix.Span(s.number + s.count - 1)
	return last + int64(length) - offset
}
