package image

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/zeebo/blake3"
)

// Proof says that a disk gave back an image, byte for byte.
type Proof struct {
	Image  ID     `json:"image"`
	Disk   string `json:"disk"`
	Size   int64  `json:"size"`
	Blocks int    `json:"blocks"` // whose hashes were compared
	Holes  int64  `json:"holes"`  // blocks that were compared with zeros
}

// String is a sentence for people.
func (p *Proof) String() string {
	return fmt.Sprintf("disk %s gave back all %d bytes of image %s: %d blocks by their hashes, %d as zeros", p.Disk, p.Size, p.Image, p.Blocks, p.Holes)
}

// Prove reads a whole image back from the disk itself, past every cache of
// ours, and compares each block with the index and each hole with zeros.
func (w *Writer) Prove(ctx context.Context, id ID, ix *Index, path string) (_ *Proof, err error) {
	d, err := openDisk(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, d.close()) }()
	if err := d.fits(ix); err != nil {
		return nil, err
	}
	nothing := make([]byte, ix.BlockSize)
	err = walk(ctx, ix, steps(ix), w.workers(), w.Progress, func(ctx context.Context, s step, b *buffers) error {
		for n := s.number; n < s.number+s.count; n++ {
			if err := context.Cause(ctx); err != nil {
				return err
			}
			if err := prove(d, ix, n, s.block, b.raw, nothing); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &Proof{Image: id, Disk: path, Size: ix.Size, Blocks: len(ix.Blocks), Holes: ix.Count() - int64(len(ix.Blocks))}, nil
}

func prove(d *disk, ix *Index, number int64, block *Block, raw, nothing []byte) error {
	offset, length := ix.Span(number)
	raw = raw[:length]
	if err := d.read(raw, offset); err != nil {
		return err
	}
	if block == nil && bytes.Equal(raw, nothing[:length]) || block != nil && blake3.Sum256(raw) == block.Sum {
		return nil
	}
	return &ProofError{Disk: d.path, Block: number, Offset: offset}
}
