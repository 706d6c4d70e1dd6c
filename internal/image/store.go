package image

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// Store is a folder of images. Under an image's identity lies a folder with
// two files: its index, and its frames one behind the other in the order of the
// index. What stands there is complete; several programs may share the folder.
type Store struct {
	folder    string
	blockSize int

	mu      sync.Mutex
	indices map[ID]*Index // read once; an image never changes
}

// Names in a store's folder. What is being imported starts with a dot.
const (
	indexFile  = "index"
	blocksFile = "blocks"
)

// OpenStore opens a folder, which must be there. A blockSize of 0 means DefaultBlock.
func OpenStore(folder string, blockSize int) (*Store, error) {
	if blockSize == 0 {
		blockSize = DefaultBlock
	}
	if info, err := os.Stat(folder); err != nil {
		return nil, fmt.Errorf("open the store of images: %w", err)
	} else if !info.IsDir() {
		return nil, fmt.Errorf("open the store of images: %s is no folder", folder)
	}
	return &Store{folder: folder, blockSize: blockSize, indices: map[ID]*Index{}}, nil
}

// Import makes an image of a vendor's file. It is there wholly or not at all.
// Importing what is there already changes nothing and gives the same identity.
func (s *Store) Import(ctx context.Context, o Origin) (ID, error) {
	id, err := s.importTo(ctx, o)
	if err != nil {
		return ID{}, fmt.Errorf("import %w", err)
	}
	return id, nil
}

func (s *Store) importTo(ctx context.Context, o Origin) (_ ID, err error) {
	st, err := newStage(s.folder)
	if err != nil {
		return ID{}, err
	}
	defer func() { err = errors.Join(err, st.discard()) }()
	disk, err := o.open(&peeled{scratch: st.folder})
	if err != nil {
		return ID{}, err
	}
	defer func() { err = errors.Join(err, disk.Close()) }()
	ix, err := st.fill(ctx, o.tallied(disk), s.blockSize)
	if err != nil {
		return ID{}, fmt.Errorf("%s: %w", o.Path, err)
	}
	id := ix.ID()
	return id, st.publish(filepath.Join(s.folder, id.String()))
}

// Index gives an image's index. It is checked when it is read first.
func (s *Store) Index(_ context.Context, id ID) (*Index, error) {
	s.mu.Lock()
	ix := s.indices[id]
	s.mu.Unlock()
	if ix != nil {
		return ix, nil
	}
	raw, err := os.ReadFile(s.path(id, indexFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("image %s: %w", id, ErrUnknown)
	} else if err != nil {
		return nil, err
	}
	if ix, err = parseIndexOf(id, raw); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.indices[id] = ix
	return ix, nil
}

// Block opens a block's frame. It is not checked here: who writes it does that.
func (s *Store) Block(ctx context.Context, id ID, number uint32) (Frame, error) {
	ix, err := s.Index(ctx, id)
	if err != nil {
		return nil, err
	}
	b, start, ok := ix.Find(number)
	if !ok {
		return nil, fmt.Errorf("image %s, block %d: %w", id, number, ErrUnknown)
	}
	file, err := os.Open(s.path(id, blocksFile))
	if errors.Is(err, fs.ErrNotExist) {
		s.forget(id)
		return nil, fmt.Errorf("image %s: %w", id, ErrUnknown)
	} else if err != nil {
		return nil, err
	}
	return section{io.NewSectionReader(file, start, int64(b.Length)), file, start}, nil
}

// List gives all images, in no order.
func (s *Store) List() ([]ID, error) {
	entries, err := os.ReadDir(s.folder)
	var ids []ID
	for _, e := range entries {
		if id, err := ParseID(e.Name()); err == nil && e.IsDir() {
			ids = append(ids, id)
		}
	}
	return ids, err
}

// Remove deletes an image. Who is reading it may see it end. No image: no error.
func (s *Store) Remove(id ID) error {
	st, err := newStage(s.folder)
	if err != nil {
		return err
	}
	s.forget(id)
	// One rename makes it unknown; deleting takes a while.
	err = os.Rename(filepath.Join(s.folder, id.String()), filepath.Join(st.folder, "gone"))
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return errors.Join(err, st.discard())
}

func (s *Store) forget(id ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.indices, id)
}

func (s *Store) path(id ID, file string) string { return filepath.Join(s.folder, id.String(), file) }

// section is a part of a file that takes the file with it when it is closed.
type section struct {
	*io.SectionReader
	file  *os.File
	start int64
}

// Close closes the file.
func (s section) Close() error { return s.file.Close() }
