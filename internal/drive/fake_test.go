package drive

import (
	"context"
	"errors"
	"sync"
	"syscall"
)

// fake is a disk with state: content, and what its transport answers. Its
// methods are safe for several at once, as a disk's are.
type fake struct {
	mu      sync.Mutex
	content map[int64][]byte // pieces of pieceSize; what is missing is zero
	size    int64
	bad     map[int64]error // what reading or writing a piece ends with
	writes  int
	deaf    bool // does not keep what is written
	zeroed  bool // discards leave zeroes

	nvme func(nvmeCommand) (uint32, error)
	scsi func(scsiCommand) (scsiReply, error)
}

func newFake(size int64) *fake {
	return &fake{content: map[int64][]byte{}, size: size, bad: map[int64]error{}}
}

// fill gives every piece of a small disk a tenant's bytes.
func (f *fake) fill() *fake {
	for at := int64(0); at < f.size; at += pieceSize {
		f.scribble(at)
	}
	return f
}

func (f *fake) scribble(at int64) {
	piece := make([]byte, pieceSize)
	for i := range piece {
		piece[i] = byte(i*7 + i>>8 + int(at>>20))
	}
	f.content[at] = piece
}

// scramble is what a change of the media key does to the content.
func (f *fake) scramble() {
	for _, piece := range f.content {
		for i := range piece {
			piece[i] ^= byte(i*3 + i>>7 + 0x5a)
		}
	}
}

func (f *fake) wipe() { f.content = map[int64][]byte{} }

func (f *fake) at(at int64, n int, write bool, do func(piece []byte, from, to int)) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if at+int64(n) > f.size {
		return 0, syscall.EIO
	}
	for done := 0; done < n; {
		base := (at + int64(done)) / pieceSize * pieceSize
		if err := f.bad[base]; err != nil {
			return done, err
		}
		from := int(at + int64(done) - base)
		step := min(pieceSize-from, n-done)
		if f.content[base] == nil && write {
			f.content[base] = make([]byte, pieceSize)
		}
		piece := f.content[base]
		if piece == nil {
			piece = zeroPiece
		}
		do(piece[from:from+step], done, done+step)
		done += step
	}
	return n, nil
}

func (f *fake) ReadAt(p []byte, at int64) (int, error) {
	return f.at(at, len(p), false, func(piece []byte, from, to int) { copy(p[from:to], piece) })
}

func (f *fake) WriteAt(p []byte, at int64) (int, error) {
	return f.at(at, len(p), !f.deaf, func(piece []byte, from, to int) {
		f.writes++
		if !f.deaf {
			copy(piece, p[from:to])
		}
	})
}

func (f *fake) Size() (int64, error) { return f.size, nil }
func (f *fake) Flush() error         { return nil }
func (f *fake) Reread() error        { return nil }
func (f *fake) Close() error         { return nil }

func (f *fake) Discard(at, n int64) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.zeroed {
		return syscall.EOPNOTSUPP
	}
	for base := range f.content {
		if base >= at && base < at+n {
			delete(f.content, base)
		}
	}
	return nil
}

func (f *fake) Zero(at, n int64) error { return f.Discard(at, n) }

func (f *fake) NamespaceID() (uint32, error) { return 1, nil }

func (f *fake) Admin(ctx context.Context, c nvmeCommand) (uint32, error) {
	if f.nvme == nil {
		return 0, errors.New("no NVMe disk")
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.nvme(c)
}

func (f *fake) Send(ctx context.Context, c scsiCommand) (scsiReply, error) {
	if f.scsi == nil {
		return scsiReply{}, errors.New("no SCSI disk")
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.scsi(c)
}
