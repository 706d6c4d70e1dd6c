package image

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"runtime"

	"github.com/klauspost/compress/zstd"
	"github.com/zeebo/blake3"
	"golang.org/x/sync/errgroup"
)

// chunk is one block between its reading and its writing.
type chunk struct {
	number int64
	raw    []byte
	frame  []byte // empty of a hole
	sum    Hash
	packed chan struct{} // gets one word when frame and sum are there
}

// chop cuts a disk into blocks: one goroutine reads, one per processor packs,
// and the frames are written in order. Memory is two blocks per processor.
type chop struct {
	blockSize int
	nothing   []byte // a block of zeros
	packer    *zstd.Encoder
	free      chan *chunk
	toPack    chan *chunk
	toWrite   chan *chunk
	size      int64 // of the disk; set when it has been read
}

func newChop(blockSize int) (*chop, error) {
	packer, err := newPacker()
	if err != nil {
		return nil, err
	}
	n := 2 * runtime.GOMAXPROCS(0)
	c := &chop{blockSize: blockSize, nothing: make([]byte, blockSize), packer: packer,
		free: make(chan *chunk, n), toPack: make(chan *chunk, n), toWrite: make(chan *chunk, n)}
	for range n {
		c.free <- &chunk{raw: make([]byte, blockSize), frame: make([]byte, 0, frameLimit(blockSize)), packed: make(chan struct{}, 1)}
	}
	return c, nil
}

// run reads a disk to its end and gives its index. Frames go to w.
func (c *chop) run(ctx context.Context, disk io.Reader, w io.Writer) (*Index, error) {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return c.read(ctx, disk) })
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() error { return c.pack() })
	}
	var blocks []Block
	group.Go(func() (err error) { blocks, err = c.write(ctx, w); return err })
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return newIndex(c.size, c.blockSize, blocks)
}

func (c *chop) read(ctx context.Context, disk io.Reader) error {
	defer close(c.toWrite)
	defer close(c.toPack)
	for number := int64(0); ; number++ {
		var k *chunk
		select {
		case k = <-c.free:
		case <-ctx.Done():
			return ctx.Err()
		}
		k.number = number
		n, err := readFull(disk, k.raw[:c.blockSize])
		if c.size += int64(n); c.size > Limit {
			return fmt.Errorf("%w: its disk is larger than %d bytes", ErrFormat, int64(Limit))
		}
		if err != nil && err != io.EOF {
			return fmt.Errorf("byte %d of the disk: %w", c.size, err)
		}
		if n > 0 {
			c.hand(k, n)
		}
		if err == io.EOF {
			return nil
		}
	}
}

// readFull is io.ReadFull, except that an end is io.EOF wherever it comes. A
// decoder's ErrUnexpectedEOF says that its file was cut off, and must not look
// like a disk that ends within a block.
func readFull(r io.Reader, p []byte) (n int, err error) {
	for n < len(p) && err == nil {
		var m int
		m, err = r.Read(p[n:])
		n += m
	}
	return n, err
}

// hand passes n bytes on, rounded up to whole sectors.
func (c *chop) hand(k *chunk, n int) {
	full := (n + sector - 1) / sector * sector
	clear(k.raw[n:full])
	c.size += int64(full - n)
	k.raw, k.frame = k.raw[:full], k.frame[:0]
	c.toWrite <- k
	c.toPack <- k
}

func (c *chop) pack() error {
	for k := range c.toPack {
		if !bytes.Equal(k.raw, c.nothing[:len(k.raw)]) {
			k.sum = blake3.Sum256(k.raw)
			k.frame = c.packer.EncodeAll(k.raw, k.frame)
		}
		k.packed <- struct{}{}
	}
	return nil
}

func (c *chop) write(ctx context.Context, w io.Writer) (blocks []Block, err error) {
	for k := range c.toWrite {
		select {
		case <-k.packed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if len(k.frame) > 0 {
			if _, err := w.Write(k.frame); err != nil {
				return nil, err
			}
			blocks = append(blocks, Block{Number: uint32(k.number), Length: uint32(len(k.frame)), Sum: k.sum})
		}
		c.free <- k
	}
	return blocks, ctx.Err()
}
