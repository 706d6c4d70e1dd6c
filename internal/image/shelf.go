package image

import (
	"container/list"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// shelf is a folder of files that has room for so many bytes: what was not
// asked for the longest goes first. The files' times remember the order across
// a restart.
type shelf struct {
	folder string
	room   int64

	mu    sync.Mutex
	items map[string]*list.Element // of *item
	order *list.List               // asked for last in front
	size  int64
}

type item struct {
	name  string
	size  int64
	sound bool // its content was checked by this process
}

const unfinished = ".new-"

// openShelf takes stock of a folder. What is not finished there is deleted: a
// folder has one shelf.
func openShelf(folder string, room int64) (*shelf, error) {
	s := &shelf{folder: folder, room: room, items: map[string]*list.Element{}, order: list.New()}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	var found []fs.FileInfo
	for _, e := range entries {
		info, err := e.Info()
		switch {
		case err != nil || !info.Mode().IsRegular():
		case strings.HasPrefix(e.Name(), unfinished):
			err = os.Remove(filepath.Join(folder, e.Name()))
		default:
			found = append(found, info)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	slices.SortFunc(found, func(a, b fs.FileInfo) int { return a.ModTime().Compare(b.ModTime()) })
	for _, info := range found {
		s.add(&item{name: info.Name(), size: info.Size()})
	}
	s.evict()
	return s, nil
}

func (s *shelf) add(i *item) {
	s.items[i.name] = s.order.PushFront(i)
	s.size += i.size
}

// open gives a file, and whether its content was checked. A file that was
// opened stays readable when it goes from the shelf.
func (s *shelf) open(name string) (f *os.File, sound bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.items[name]
	if !ok {
		return nil, false, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
	}
	s.order.MoveToFront(e)
	path := filepath.Join(s.folder, name)
	if f, err = os.Open(path); err != nil {
		s.remove(e)
		return nil, false, err
	}
	now := time.Now()
	_ = os.Chtimes(path, now, now) // costs the order after a restart, no more
	return f, e.Value.(*item).sound, nil
}

// put adds a file with content that was checked, and makes room for it.
func (s *shelf) put(name string, content []byte) (err error) {
	f, err := os.CreateTemp(s.folder, unfinished+"*")
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := os.Rename(f.Name(), filepath.Join(s.folder, name)); err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	if e, ok := s.items[name]; ok {
		s.size -= s.order.Remove(e).(*item).size
	}
	s.add(&item{name: name, size: int64(len(content)), sound: true})
	s.evict()
	return nil
}

// vouch remembers that a file's content was checked.
func (s *shelf) vouch(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e, ok := s.items[name]; ok {
		e.Value.(*item).sound = true
	}
}

// drop takes a file away.
func (s *shelf) drop(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e, ok := s.items[name]; ok {
		s.remove(e)
	}
}

func (s *shelf) evict() {
	for s.size > s.room && s.order.Len() > 0 {
		s.remove(s.order.Back())
	}
}

// remove forgets a file even if it cannot be deleted: it would be found again
// after a restart.
func (s *shelf) remove(e *list.Element) {
	i := s.order.Remove(e).(*item)
	delete(s.items, i.name)
	s.size -= i.size
	_ = os.Remove(filepath.Join(s.folder, i.name))
}
