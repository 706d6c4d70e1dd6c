package drive

import (
	"context"

	"millwright/internal/erasure"
)

// verify reads the disk and fills in the certificate what that shows. The whole
// disk is read where the method is only believed then.
func (j *job) verify(ctx context.Context, m method, s *sample) error {
	if err := j.lose(); err != nil {
		return err
	}
	if m.whole {
		seed := ""
		s = &sample{size: j.disk.Size, seed: seed, whole: true, pieces: span(nil, 0, j.disk.Size)}
	}
	verified := erasure.Verified{Extent: erasure.Sample, Zero: true, Known: s.known, Seed: s.seed, Marked: s.marked}
	if s.whole {
		verified.Extent, verified.Seed = erasure.Whole, ""
	}
	err := s.each(ctx, j.handle, func(i int, piece []byte) error {
		verified.Bytes += int64(len(piece))
		verified.Pieces++
		if isZero(piece) {
			return nil
		}
		verified.Zero = false
		if m.zeroes {
			return unproven("not zero within %d bytes from %d after %s", len(piece), s.pieces[i], m.name)
		}
		if at, same := s.still(i, piece); same {
			return unproven("byte %d and following are what they were before %s", at, m.name)
		}
		return nil
	}, func(percent int) { j.progress.tell("read back", percent) })
	if err != nil {
		return err
	}
	j.certificate.Method, j.certificate.Grade, j.certificate.Verified = m.name, m.grade(), verified
	return nil
}
