package drive

import (
	"context"
	"errors"
	"fmt"

	"millwright/internal/erasure"
)

// express clears what makes content found again, at the ends of the disk and of
// each partition, changes the media key where that is quick, and discards
// everything.
func (j *job) express(ctx context.Context) error {
	j.certificate.Grade = erasure.Ungraded
	places, err := j.places(ctx)
	if err != nil {
		return err
	}
	if err := j.clear(ctx, places); err != nil {
		return err
	}
	j.certificate.Method = "partition tables and signatures cleared"
	if err := j.quick(ctx); err != nil {
		return err
	}
	if err := j.discardAll(ctx, j.progress); err == nil {
		j.certificate.Method += ", discarded"
	} else if !errors.Is(err, errRefused) {
		return err
	}
	return j.cleared(ctx, places)
}

// quick tries what erases by a change of the media key.
func (j *job) quick(ctx context.Context) error {
	methods, _ := j.methods(ctx, true)
	for _, m := range methods {
		err := m.run(ctx, j.progress)
		if errors.Is(err, errRefused) {
			j.note("%s: %.300v", m.name, err)
			continue
		}
		if err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		j.certificate.Method += ", " + m.name
		return nil
	}
	return nil
}

// place is a part of the disk where signatures lie.
type place struct{ at, n int64 }

// places are the first and last MiB of the disk and of each partition that its
// tables name: file systems and arrays are known by what stands there.
func (j *job) places(ctx context.Context) ([]place, error) {
	partitions, err := readPartitions(ctx, j.handle, j.disk)
	if err != nil {
		return nil, err
	}
	var all []place
	for _, p := range append([]place{{0, j.disk.Size}}, partitions...) {
		n := min(pieceSize, p.n)
		all = append(all, aligned(p.at, n, j.disk.Size), aligned(p.at+p.n-n, n, j.disk.Size))
	}
	return all, nil
}

// aligned widens a place to what can be written past the cache.
func aligned(at, n, size int64) place {
	from := at / blockSize * blockSize
	to := min((at+n+blockSize-1)/blockSize*blockSize, size)
	return place{from, to - from}
}

func (j *job) clear(ctx context.Context, places []place) error {
	zero := buffer(pieceSize + 2*blockSize)
	// The disk's own table comes last: until then it names the partitions, and a
	// run that was interrupted finds them again.
	for i := len(places) - 1; i >= 0; i-- {
		if err := ctx.Err(); err != nil {
			return err
		}
		if _, err := j.WriteAt(zero[:places[i].n], places[i].at); err != nil {
			return fmt.Errorf("clear %d bytes at %d: %w", places[i].n, places[i].at, named(err))
		}
	}
	if err := j.Flush(); err != nil {
		return fmt.Errorf("flush: %w", named(err))
	}
	return nil
}

// cleared reads the places back. After a change of the media key, and after a
// discard by a disk that promises nothing, they may be noise: they are cleared
// once more, since noise is no table either but a doubt.
func (j *job) cleared(ctx context.Context, places []place) error {
	if err := j.clear(ctx, places); err != nil {
		return err
	}
	if err := j.lose(); err != nil {
		return err
	}
	verified := erasure.Verified{Extent: erasure.Places, Zero: true}
	memory := buffer(pieceSize + 2*blockSize)
	for i, p := range places {
		piece := memory[:p.n]
		if n, err := j.ReadAt(piece, p.at); n < len(piece) {
			return fmt.Errorf("read at byte %d: %w", p.at, named(err))
		}
		for _, block := range cut(piece) {
			if !isZero(block) {
				return unproven("not zero within %d bytes from %d after clearing", p.n, p.at)
			}
		}
		verified.Bytes += p.n
		verified.Pieces++
		j.progress.tell("read back", (i+1)*100/len(places))
	}
	j.certificate.Verified = verified
	return nil
}
