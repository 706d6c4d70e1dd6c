package image

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"time"
)

// Remote fetches images from servers that all have the same: a site's boot
// services, or what feeds them. Whatever can pass is weather, and is tried
// again until the context ends; wrong bytes and refusals are not, three times
// by each server.
type Remote struct {
	servers []string
	client  *http.Client
	prepare func(*http.Request)
	pace    Pace
	log     *slog.Logger
	unpacker
}

// RemoteConfig says whom to ask and how. Only Servers has to be given.
type RemoteConfig struct {
	Servers []string            // URLs under which Handler answers
	Client  *http.Client        // with no timeout of its own
	Prepare func(*http.Request) // sets what the servers want to see, a token for instance
	Pace    Pace
	Log     *slog.Logger
}

// Pace is how long a Remote waits for what.
type Pace struct {
	Stall   time.Duration // a connection that brings nothing for so long is given up
	First   time.Duration // the pause after a failure, doubled each time
	Longest time.Duration
}

// strikes is how many wrong answers a server may give about one block.
const strikes = 3

// NewRemote makes a client of at least one server.
func NewRemote(cfg RemoteConfig) (*Remote, error) {
	if len(cfg.Servers) == 0 {
		return nil, errors.New("fetch images: no server is named")
	}
	r := &Remote{servers: cfg.Servers, client: cfg.Client, prepare: cfg.Prepare, pace: cfg.Pace, log: cfg.Log}
	if r.client == nil {
		// Go keeps two idle connections per server, and would open one per block.
		r.client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true, IdleConnTimeout: time.Minute}}
	}
	if r.prepare == nil {
		r.prepare = func(*http.Request) {}
	}
	if r.pace == (Pace{}) {
		r.pace = Pace{Stall: 30 * time.Second, First: 200 * time.Millisecond, Longest: 10 * time.Second}
	}
	if r.log == nil {
		r.log = slog.New(slog.DiscardHandler)
	}
	var err error
	r.unpacker, err = newUnpacker()
	return r, err
}

// Index fetches an image's index and checks it.
func (r *Remote) Index(ctx context.Context, id ID) (ix *Index, err error) {
	w := &want{path: id.String() + "/index", limit: indexLimit, check: func(raw []byte) error {
		ix, err = parseIndexOf(id, raw)
		return err
	}}
	if err := r.get(ctx, w); err != nil {
		return nil, fmt.Errorf("index of image %s from %s: %w", id, w.server, err)
	}
	return ix, nil
}

// block fetches a block's frame into b.frame and unpacks it into b.raw. What
// it leaves there has been checked.
func (r *Remote) block(ctx context.Context, id ID, ix *Index, block Block, b *buffers) error {
	_, length := ix.Span(int64(block.Number))
	b.raw = b.raw[:length]
	w := &want{path: fmt.Sprintf("%s/blocks/%d", id, block.Number), limit: int(block.Length), exact: true,
		got: b.frame[:0], first: int(block.Number)}
	w.check = func(frame []byte) error { return r.unpack(frame, b.raw, block.Sum) }
	err := r.get(ctx, w)
	if b.frame = w.got; err != nil {
		return &BlockError{Image: id, Block: block.Number, Server: w.server, Err: err}
	}
	return nil
}

// want is something that is fetched in as many pieces as connections break.
type want struct {
	path  string
	limit int                // bytes
	exact bool               // limit is what there is: a broken connection's rest can be asked for
	first int                // spreads load: who is asked first
	check func([]byte) error // the content's proof

	got    []byte
	server string // who was asked last
	doubt  bool   // what came was wrong: whoever keeps copies shall look at his
}

// get asks until all is there and its check passes.
func (r *Remote) get(ctx context.Context, w *want) error {
	for attempt, wrong, pauses := 0, 0, 0; ; attempt++ {
		w.server = r.servers[(w.first+attempt)%len(r.servers)]
		had := len(w.got)
		err := r.once(ctx, w)
		if err == nil {
			if err = w.check(w.got); err == nil {
				return nil
			}
			w.got, w.doubt = w.got[:0], true
		}
		if ctx.Err() != nil {
			return fmt.Errorf("%w; before that: %w", context.Cause(ctx), err)
		}
		if errors.Is(err, ErrCorrupt) || errors.Is(err, errRefused) {
			if wrong++; wrong >= strikes*len(r.servers) {
				return err
			}
		}
		if len(w.got) > had {
			pauses = 0
		}
		r.log.Warn("part of an image is asked for again", "path", w.path, "server", w.server, "have", len(w.got), "error", err)
		if err := r.pause(ctx, pauses); err != nil {
			return err
		}
		pauses++
	}
}

// pause waits half of its time at least, so that a rack that was cut off does
// not come back as one.
func (r *Remote) pause(ctx context.Context, n int) error {
	return rest(ctx, r.pace.First<<min(n, 20), r.pace.Longest)
}

func rest(ctx context.Context, d, longest time.Duration) error {
	d = min(d, longest)
	t := time.NewTimer(d/2 + rand.N(d/2+1))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// errRefused is an answer that the same question will get again.
var errRefused = errors.New("refused")

// once makes one request for what is missing.
func (r *Remote) once(ctx context.Context, w *want) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stall := time.AfterFunc(r.pace.Stall, func() { cancel(fmt.Errorf("nothing came for %v", r.pace.Stall)) })
	defer stall.Stop()
	res, err := r.ask(ctx, w)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	if !w.exact {
		w.got = w.got[:0]
	}
	return w.take(res.Body, func() { stall.Reset(r.pace.Stall) })
}

func (r *Remote) ask(ctx context.Context, w *want) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.server+"/"+w.path, nil)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errRefused, err)
	}
	r.prepare(req)
	status := http.StatusOK
	if w.exact && len(w.got) > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", len(w.got)))
		status = http.StatusPartialContent
	}
	if w.doubt {
		req.Header.Set("Cache-Control", "no-cache")
	}
	res, err := r.client.Do(req)
	if err != nil {
		return nil, err
	}
	if res.StatusCode != status {
		_ = res.Body.Close()
		return nil, w.refused(res)
	}
	return res, nil
}

// refused sorts answers that brought nothing: 5xx, 408 and 429 are weather.
func (w *want) refused(res *http.Response) error {
	switch code := res.StatusCode; {
	case code == http.StatusNotFound:
		return fmt.Errorf("%s: %w: %w", res.Status, errRefused, ErrUnknown)
	case code >= 500 || code == http.StatusRequestTimeout || code == http.StatusTooManyRequests:
		return errors.New(res.Status)
	}
	w.got = w.got[:0] // a range that is refused is not asked for again
	return fmt.Errorf("%s: %w", res.Status, errRefused)
}

// take reads what a connection brings, into what is there already. Bytes that
// came stay when it breaks.
func (w *want) take(body io.Reader, alive func()) error {
	const grain = 256 << 10
	for {
		room := w.limit - len(w.got)
		if room == 0 {
			return nil // a longer answer is a wrong one: its check says so
		}
		if cap(w.got)-len(w.got) < min(room, grain) {
			w.got = append(make([]byte, 0, min(w.limit, 2*cap(w.got)+grain)), w.got...)
		}
		n, err := body.Read(w.got[len(w.got):min(cap(w.got), len(w.got)+min(room, grain))])
		w.got = w.got[:len(w.got)+n]
		alive()
		if err == io.EOF && (!w.exact || len(w.got) == w.limit) {
			return nil
		}
		if err == io.EOF {
			return io.ErrUnexpectedEOF
		}
		if err != nil {
			return err
		}
	}
}
