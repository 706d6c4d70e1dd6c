package drive

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"hash/maphash"
	mathrand "math/rand/v2"
	"slices"
)

const (
	// WholeLimit is up to which size a disk is always read whole: a minute of an
	// SSD, and the hashes of its blocks fit in 64 MiB of memory.
	WholeLimit = 32 << 30
	// SampleEnds is what is read at each end of a larger disk. Partition tables,
	// boot loaders, and the heads and tails of arrays and volumes lie there.
	SampleEnds = 1 << 30
	// RandomPieces of 1 MiB are read between. If one part in a hundred of a disk
	// were left as it was, all of them would miss it with 1 in 170,000.
	RandomPieces = 1200
	// blockSize is the unit of comparison: what file systems write at a time.
	blockSize = 4096
)

// bounds say how much of a disk is a sample of it.
type bounds struct {
	whole, ends int64
	random      int64
}

// usual bounds are those of every certificate.
var usual = bounds{whole: WholeLimit, ends: SampleEnds, random: RandomPieces}

// sample is the places of a disk that are read before and after its erasure,
// and what they held.
type sample struct {
	size   int64
	seed   string
	whole  bool
	pieces []int64 // where each begins, rising; pieceSize long, or to the end
	hashes []uint64
	hash   maphash.Seed
	taken  bool
	known  int64 // bytes that held something
	marked bool
}

// newSample chooses the places. The random ones come from the seed alone, with
// ChaCha8 keyed by its SHA-256, so that whoever has a certificate can find them.
func newSample(size int64, seed string, b bounds) *sample {
	s := &sample{size: size, seed: seed, whole: size <= b.whole, hash: maphash.MakeSeed()}
	if s.whole {
		s.pieces = span(nil, 0, size)
		return s
	}
	last := (size - b.ends) / pieceSize * pieceSize
	s.pieces = span(s.pieces, 0, b.ends)
	source := mathrand.New(mathrand.NewChaCha8(sha256.Sum256([]byte(seed))))
	for range b.random {
		s.pieces = append(s.pieces, b.ends+source.Int64N((last-b.ends)/pieceSize)*pieceSize)
	}
	s.pieces = span(s.pieces, last, size)
	slices.Sort(s.pieces)
	s.pieces = slices.Compact(s.pieces)
	return s
}

func span(pieces []int64, from, to int64) []int64 {
	for at := from; at < to; at += pieceSize {
		pieces = append(pieces, at)
	}
	return pieces
}

func (s *sample) length(at int64) int64 { return min(pieceSize, s.size-at) }

const blocksPerPiece = pieceSize / blockSize

// take reads the sample before the erasure. A disk that holds nothing there is
// given something to lose.
func (s *sample) take(ctx context.Context, b blocks, progress Progress) error {
	s.hashes = make([]uint64, len(s.pieces)*blocksPerPiece)
	err := s.each(ctx, b, func(i int, piece []byte) error {
		s.remember(i, piece)
		return nil
	}, func(percent int) { progress.tell("read before", percent) })
	if err != nil {
		return err
	}
	if s.known == 0 {
		if err := s.mark(b); err != nil {
			return fmt.Errorf("write something to be erased: %w", err)
		}
	}
	s.taken = true
	return nil
}

// remember hashes what a piece holds, block by block. A block of one byte
// repeated holds nothing: that is what erased flash, old erasers and new disks
// look like. Zero stands for it.
func (s *sample) remember(i int, piece []byte) {
	if isZero(piece) {
		return
	}
	for k, block := range cut(piece) {
		hash := uint64(0)
		if !uniform(block) {
			hash = max(maphash.Bytes(s.hash, block), 1)
			s.known += int64(len(block))
		}
		s.hashes[i*blocksPerPiece+k] = hash
	}
}

func cut(piece []byte) [][]byte {
	return slices.Collect(slices.Chunk(piece, blockSize))
}

func uniform(block []byte) bool {
	return bytes.Equal(block[1:], block[:len(block)-1])
}

// mark writes random bytes at the beginning, the middle and the end, and reads
// them back: a disk that does not keep what is written cannot be judged.
func (s *sample) mark(b blocks) error {
	s.marked = true
	for _, i := range slices.Compact([]int{0, len(s.pieces) / 2, len(s.pieces) - 1}) {
		at := s.pieces[i]
		want, got := buffer(int(s.length(at))), buffer(int(s.length(at)))
		rand.Read(want) // never fails
		if _, err := b.WriteAt(want, at); err != nil {
			return fmt.Errorf("at byte %d: %w", at, named(err))
		}
		if err := b.Flush(); err != nil {
			return fmt.Errorf("flush: %w", named(err))
		}
		if _, err := b.ReadAt(got, at); err != nil {
			return fmt.Errorf("read it back at byte %d: %w", at, named(err))
		}
		if !bytes.Equal(want, got) {
			return unproven("the disk does not keep what is written at byte %d", at)
		}
		s.remember(i, want)
	}
	return nil
}

// each reads the pieces, several at once.
func (s *sample) each(ctx context.Context, b blocks, use func(i int, piece []byte) error, tell func(int)) error {
	free := make(chan []byte, inFlight)
	for range inFlight {
		free <- buffer(pieceSize)
	}
	single := make(chan struct{}, 1) // use runs alone: it counts
	count := int64(len(s.pieces)) * pieceSize
	return eachPiece(ctx, count, inFlight, func(index, _ int64) error {
		i := int(index / pieceSize)
		at := s.pieces[i]
		memory := <-free
		defer func() { free <- memory }()
		piece := memory[:s.length(at)]
		if n, err := b.ReadAt(piece, at); n < len(piece) {
			return fmt.Errorf("read at byte %d: %w", at, named(err))
		}
		single <- struct{}{}
		defer func() { <-single }()
		return use(i, piece)
	}, tell)
}

// still says at which byte a piece holds what it held.
func (s *sample) still(i int, piece []byte) (int64, bool) {
	for k, block := range cut(piece) {
		before := s.hashes[i*blocksPerPiece+k]
		if before != 0 && before == max(maphash.Bytes(s.hash, block), 1) {
			return s.pieces[i] + int64(k)*blockSize, true
		}
	}
	return 0, false
}

var zeroPiece = make([]byte, pieceSize)

func isZero(piece []byte) bool { return bytes.Equal(piece, zeroPiece[:len(piece)]) }
