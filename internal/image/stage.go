package image

import (
	"bufio"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// stage is a folder in which an image comes to be. Its importer holds a lock on
// it, which ends with the process: the next importer deletes what has none.
type stage struct {
	store, folder string
	lock          *os.File
}

const stagePrefix = ".import-"

func newStage(store string) (_ *stage, err error) {
	all, err := locked(store, unix.LOCK_EX)
	if err != nil {
		return nil, err
	}
	// Until it is closed nobody else makes or sweeps stages.
	defer func() { err = errors.Join(err, all.Close()) }()
	if err := sweep(store); err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp(store, stagePrefix+"*")
	if err != nil {
		return nil, err
	}
	lock, err := locked(folder, unix.LOCK_EX|unix.LOCK_NB)
	if err != nil {
		return nil, errors.Join(err, os.Remove(folder))
	}
	st := &stage{store, folder, lock}
	if err := lock.Chmod(0o755); err != nil { // others than the importer serve what it makes
		return nil, errors.Join(err, st.discard())
	}
	return st, nil
}

// sweep deletes what importers left that were killed.
func sweep(store string) error {
	entries, err := os.ReadDir(store)
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), stagePrefix) {
			continue
		}
		folder := filepath.Join(store, e.Name())
		lock, busy := locked(folder, unix.LOCK_EX|unix.LOCK_NB)
		if busy != nil {
			continue
		}
		err = errors.Join(err, os.RemoveAll(folder), lock.Close())
	}
	return err
}

func locked(folder string, how int) (*os.File, error) {
	f, err := os.Open(folder)
	if err != nil {
		return nil, err
	}
	for {
		err = unix.Flock(int(f.Fd()), how)
		if err == nil {
			return f, nil
		}
		if !errors.Is(err, unix.EINTR) {
			return nil, errors.Join(&fs.PathError{Op: "lock", Path: folder, Err: err}, f.Close())
		}
	}
}

// fill writes the two files of an image and brings them to the disk.
func (st *stage) fill(ctx context.Context, disk io.Reader, blockSize int) (ix *Index, err error) {
	c, err := newChop(blockSize)
	if err != nil {
		return nil, err
	}
	err = st.create(blocksFile, func(w io.Writer) error {
		ix, err = c.run(ctx, disk, w)
		return err
	})
	if err != nil {
		return nil, err
	}
	return ix, st.create(indexFile, func(w io.Writer) error {
		_, err := w.Write(ix.Encode())
		return err
	})
}

func (st *stage) create(name string, write func(io.Writer) error) (err error) {
	f, err := os.OpenFile(filepath.Join(st.folder, name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	w := bufio.NewWriterSize(f, 1<<20)
	if err := write(w); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return f.Sync()
}

// publish gives the stage its final name. An image that is there already is
// the same one: ours is dropped.
func (st *stage) publish(as string) error {
	if err := st.lock.Sync(); err != nil { // the folder's own entries
		return err
	}
	err := os.Rename(st.folder, as)
	if errors.Is(err, unix.ENOTEMPTY) || errors.Is(err, unix.EEXIST) {
		return nil
	} else if err != nil {
		return err
	}
	folder, err := os.Open(st.store)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// discard deletes what was not published.
func (st *stage) discard() error {
	return errors.Join(os.RemoveAll(st.folder), st.lock.Close())
}
