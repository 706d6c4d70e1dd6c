package image

import "context"

// Block fetches one block of an image, proven, into memory of its own: for who
// has no disk to write it to.
func (r *Remote) Block(ctx context.Context, id ID, ix *Index, block Block) ([]byte, error) {
	_, length := ix.Span(int64(block.Number))
	b := &buffers{raw: make([]byte, length)}
	err := r.block(ctx, id, ix, block, b)
	return b.raw, err
}
