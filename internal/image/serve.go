package image

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"time"
)

// Frame is a block's frame, open for reading.
type Frame = io.ReadSeekCloser

// Source is where a server takes images from: a Store or a Cache.
type Source interface {
	Index(context.Context, ID) (*Index, error)
	Block(ctx context.Context, id ID, number uint32) (Frame, error)
}

// checker is a source that keeps copies, and can look whether one is still good.
type checker interface {
	Recheck(ctx context.Context, id ID, number uint32) error
}

// server answers GET /<id>/index and GET /<id>/blocks/<number>, with ranges.
// What has such a URL never changes, so anything between may keep it for ever.
type server struct {
	source Source
	share  *Share
	log    *slog.Logger
}

// Handler serves a source's images. The share may be nil: no limit.
func Handler(source Source, share *Share, log *slog.Logger) http.Handler {
	s := &server{source, share, log}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{id}/index", s.index)
	mux.HandleFunc("GET /{id}/blocks/{number}", s.block)
	return mux
}

func (s *server) index(w http.ResponseWriter, r *http.Request) {
	id, err := ParseID(r.PathValue("id"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	ix, err := s.source.Index(r.Context(), id)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	raw := ix.Encode()
	s.answer(w, r, id.String(), byteFrame(raw))
}

func (s *server) block(w http.ResponseWriter, r *http.Request) {
	id, err := ParseID(r.PathValue("id"))
	number, wrong := strconv.ParseUint(r.PathValue("number"), 10, 32)
	if err = errors.Join(err, wrong); err != nil {
		http.Error(w, "no such image or block", http.StatusNotFound)
		return
	}
	frame, err := s.open(r, id, uint32(number))
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	defer func() { _ = frame.Close() }()
	s.answer(w, r, fmt.Sprintf("%s-%d", id, number), frame)
}

// open looks twice at a block of which the client says that what it got was
// wrong.
func (s *server) open(r *http.Request, id ID, number uint32) (Frame, error) {
	if c, ok := s.source.(checker); ok && r.Header.Get("Cache-Control") == "no-cache" {
		if err := c.Recheck(r.Context(), id, number); err != nil {
			return nil, err
		}
	}
	return s.source.Block(r.Context(), id, number)
}

// refuse keeps what is not there apart from what is not there at the moment.
func (s *server) refuse(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, ErrUnknown) {
		http.Error(w, "no such image or block", http.StatusNotFound)
		return
	}
	if r.Context().Err() == nil {
		s.log.Error("image is not served", "path", r.URL.Path, "error", err)
	}
	http.Error(w, "the image cannot be read at the moment: ask again", http.StatusServiceUnavailable)
}

func (s *server) answer(w http.ResponseWriter, r *http.Request, tag string, content io.ReadSeeker) {
	h := w.Header()
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("ETag", strconv.Quote(tag))
	if s.share != nil {
		client, _, _ := net.SplitHostPort(r.RemoteAddr)
		p := &paced{ResponseWriter: w, ctx: r.Context(), share: s.share, client: client}
		defer func() { s.share.GiveBack(client, p.may) }()
		w = p
	}
	if s.whole(w, r, content) {
		return
	}
	http.ServeContent(w, r, "", time.Time{}, content)
}

// whole lets the kernel carry a part of a file from disk to socket. ServeContent
// does that for a whole file only.
func (s *server) whole(w http.ResponseWriter, r *http.Request, content io.ReadSeeker) bool {
	part, ok := content.(section)
	if !ok || s.share != nil || r.Method != http.MethodGet || r.Header.Get("Range") != "" || r.Header.Get("If-None-Match") != "" {
		return false
	}
	if _, err := part.file.Seek(part.start, io.SeekStart); err != nil {
		return false
	}
	w.Header().Set("Accept-Ranges", "bytes")
	w.Header().Set("Content-Length", strconv.FormatInt(part.Size(), 10))
	// Who reads sees that the answer was cut off.
	_, _ = io.CopyN(w, part.file, part.Size())
	return true
}

// paced sends when it is its client's turn. It hides the ReadFrom of what it
// wraps, which would send all at once.
type paced struct {
	http.ResponseWriter
	ctx    context.Context
	share  *Share
	client string
	may    int // bytes that it may send
}

func (p *paced) Write(b []byte) (n int, err error) {
	for n < len(b) && err == nil {
		if p.may == 0 {
			if p.may, err = p.share.Wait(p.ctx, p.client); err != nil {
				break
			}
		}
		var m int
		m, err = p.ResponseWriter.Write(b[n:min(n+p.may, len(b))])
		n, p.may = n+m, p.may-m
	}
	return n, err
}

// byteFrame is a frame that is in memory.
func byteFrame(b []byte) Frame { return memory{bytes.NewReader(b)} }

type memory struct{ *bytes.Reader }

func (memory) Close() error { return nil }
