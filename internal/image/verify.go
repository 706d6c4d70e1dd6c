package image

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"sync"
	"time"
)

// Info is what there is to say of an image in a store.
type Info struct {
	ID       ID        `json:"id"`
	Size     int64     `json:"size"`   // of the disk that it wants
	Stored   int64     `json:"stored"` // bytes that it takes here
	Block    int       `json:"block_size"`
	Blocks   int       `json:"blocks"`
	Holes    int64     `json:"holes"`
	Imported time.Time `json:"imported"`
}

// Info describes an image.
func (s *Store) Info(ctx context.Context, id ID) (Info, error) {
	ix, err := s.Index(ctx, id)
	if err != nil {
		return Info{}, err
	}
	file, err := os.Stat(s.path(id, indexFile))
	if err != nil {
		return Info{}, err
	}
	return Info{ID: id, Size: ix.Size, Stored: ix.Stored() + file.Size(), Block: ix.BlockSize, Blocks: len(ix.Blocks),
		Holes: ix.Count() - int64(len(ix.Blocks)), Imported: file.ModTime()}, nil
}

// Verify reads a whole image and compares each block with the index: a disk may
// forget what nobody asks for. All damaged blocks are named.
func (s *Store) Verify(ctx context.Context, id ID, progress Progress) error {
	ix, err := s.Index(ctx, id)
	if err != nil {
		return err
	}
	u, err := newUnpacker()
	if err != nil {
		return err
	}
	var mu sync.Mutex
	var bad []error
	err = walk(ctx, ix, steps(ix), runtime.GOMAXPROCS(0), progress, func(ctx context.Context, st step, b *buffers) error {
		if st.block == nil {
			return nil
		}
		if err := s.verify(ctx, u, id, ix, *st.block, b); errors.Is(err, ErrCorrupt) {
			mu.Lock()
			defer mu.Unlock()
			bad = append(bad, &BlockError{Image: id, Block: st.block.Number, Server: s.folder, Err: err})
		} else if err != nil {
			return err
		}
		return nil
	})
	return errors.Join(err, errors.Join(bad...))
}

func (s *Store) verify(ctx context.Context, u unpacker, id ID, ix *Index, block Block, b *buffers) error {
	frame, err := s.Block(ctx, id, block.Number)
	if err != nil {
		return err
	}
	defer func() { _ = frame.Close() }()
	b.frame = b.frame[:block.Length]
	if _, err := io.ReadFull(frame, b.frame); errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("its file was cut off: %w", ErrCorrupt)
	} else if err != nil {
		return err
	}
	_, length := ix.Span(int64(block.Number))
	return u.unpack(b.frame, b.raw[:length], block.Sum)
}

// Scratch is a folder in the store for what an image is made of. It goes with
// release, or with the first import after this program was killed.
func (s *Store) Scratch() (folder string, release func() error, err error) {
	st, err := newStage(s.folder)
	if err != nil {
		return "", nil, err
	}
	return st.folder, st.discard, nil
}

// Infos describes all images, the newest first.
func (s *Store) Infos(ctx context.Context) ([]Info, error) {
	ids, err := s.List()
	if err != nil {
		return nil, err
	}
	all := make([]Info, 0, len(ids))
	for _, id := range ids {
		info, err := s.Info(ctx, id)
		if errors.Is(err, ErrUnknown) {
			continue // removed meanwhile
		}
		if err != nil {
			return nil, err
		}
		all = append(all, info)
	}
	slices.SortFunc(all, func(a, b Info) int { return b.Imported.Compare(a.Imported) })
	return all, nil
}
