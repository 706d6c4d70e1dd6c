package agent

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"time"
)

// NoiseTurn is how long noise flows in one direction at once. Then it is
// another machine's turn.
const NoiseTurn = 10 * time.Second

// NoiseEnd is what the boot service received.
type NoiseEnd struct {
	Bytes int64  `json:"bytes"`
	Wrong string `json:"wrong,omitempty"` // where it was not what the seed makes; nothing was read behind that
}

// ErrNoise is noise that is not what its seed makes.
var ErrNoise = errors.New("the noise came over the network changed")

// noiseBlock is no multiple of a page or a frame: what lands in the wrong place
// must not land on its like.
const noiseBlock = 1<<20 - 3

// Noise is content that both sides know, as long as it is wanted: so every byte
// of it can be compared. TCP's own sum is 16 bits wide, and computed by the
// network cards that are to be tested.
type Noise struct{ block []byte }

// NoiseOf is the noise that a seed makes.
func NoiseOf(seed uint64) Noise {
	var key [32]byte
	for i := range 8 {
		key[i] = byte(seed >> (8 * i))
	}
	block := make([]byte, noiseBlock)
	_, _ = rand.NewChaCha8(key).Read(block) // never fails
	return Noise{block}
}

// Reader gives noise for a time, which begins with the first read, or until ctx
// ends.
func (n Noise) Reader(ctx context.Context, length time.Duration) io.Reader {
	return &noiseReader{ctx: ctx, block: n.block, length: length}
}

type noiseReader struct {
	ctx    context.Context
	block  []byte
	length time.Duration
	end    time.Time
	at     int
}

func (r *noiseReader) Read(p []byte) (int, error) {
	now := time.Now()
	if r.end.IsZero() {
		r.end = now.Add(r.length)
	}
	if now.After(r.end) || r.ctx.Err() != nil {
		return 0, io.EOF
	}
	n := copy(p, r.block[r.at:])
	r.at = (r.at + n) % len(r.block)
	return n, nil
}

// Compare reads to the end, and says how many bytes were right.
func (n Noise) Compare(from io.Reader) (right int64, err error) {
	buffer := make([]byte, 256<<10)
	for {
		got, err := from.Read(buffer)
		if at, same := n.compare(buffer[:got], right); !same {
			return right + int64(at), fmt.Errorf("at byte %d: %w", right+int64(at), ErrNoise)
		}
		right += int64(got)
		if errors.Is(err, io.EOF) {
			return right, nil
		}
		if err != nil {
			return right, err
		}
	}
}

// compare holds a piece that begins at a byte of all noise against it.
func (n Noise) compare(piece []byte, begins int64) (at int, same bool) {
	for done := 0; done < len(piece); {
		want := n.block[(begins+int64(done))%int64(len(n.block)):]
		want = want[:min(len(want), len(piece)-done)]
		if got := piece[done : done+len(want)]; !bytes.Equal(got, want) {
			for i := range got {
				if got[i] != want[i] {
					return done + i, false
				}
			}
		}
		done += len(want)
	}
	return 0, true
}
