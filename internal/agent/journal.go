package agent

import (
	"fmt"
	"sync"
)

// Journal is a log on its way to the boot service. It takes what is written at
// once and holds at most a MiB; where more comes than is taken, the middle goes
// and a line says so: how it began and how it ended is what people look for.
type Journal struct {
	mu    sync.Mutex
	start int64  // place in the boot's log of the first byte that is held
	head  []byte // the beginning, which may be on its way; its bytes are never moved
	tail  []byte // what came after a gap
	lost  int64  // bytes in the gap between head and tail

	news chan struct{} // holds a word while there is something to take
}

const (
	journalHalf = 512 << 10 // of head and of tail
	pieceLimit  = 64 << 10
)

// NewJournal makes an empty one.
func NewJournal() *Journal { return &Journal{news: make(chan struct{}, 1)} }

// Write never waits and never fails.
func (j *Journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	room := max(journalHalf-len(j.head), 0)
	if len(j.tail) > 0 || j.lost > 0 {
		room = 0
	}
	n := min(room, len(p))
	j.head = append(j.head, p[:n]...)
	j.tail = append(j.tail, p[n:]...)
	if len(j.tail) > journalHalf { // by half, or each byte of a flood would move all of it
		over := len(j.tail) - journalHalf/2
		j.lost += int64(over)
		j.tail = append(j.tail[:0], j.tail[over:]...)
	}
	select {
	case j.news <- struct{}{}:
	default:
	}
	return len(p), nil
}

// piece is what is to be taken next.
func (j *Journal) piece() (at int64, text []byte) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.head) == 0 {
		j.closeGap()
	}
	return j.start, append([]byte(nil), j.head[:min(len(j.head), pieceLimit)]...)
}

// closeGap moves what came after the gap to the front, behind a line of what is
// missing. It happens while nothing is on its way.
func (j *Journal) closeGap() {
	if j.lost > 0 {
		j.head = fmt.Appendf(nil, "\n… %d bytes of this log are lost …\n", j.lost)
	}
	j.head, j.tail, j.lost = append(j.head, j.tail...), nil, 0
}

// taken goes on where the boot service's log ends. Before anything was sent, the
// whole of what is held belongs behind what an earlier life of this boot said.
func (j *Journal) taken(next int64, sent bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if sent {
		j.head = j.head[min(max(next-j.start, 0), int64(len(j.head))):]
	}
	j.start = next
}

func (j *Journal) empty() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return len(j.head)+len(j.tail) == 0
}
