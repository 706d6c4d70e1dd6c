package image

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// through changes what a handler answers: bytes pass through edit.
func through(h http.Handler, edit func(r *http.Request, body []byte) []byte) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		for k, v := range rec.Header() {
			w.Header()[k] = v
		}
		w.WriteHeader(rec.Code)
		body := rec.Body.Bytes()
		if edited := edit(r, body); len(edited) < len(body) {
			_, _ = w.Write(edited)
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler) // the connection breaks here
		} else {
			_, _ = w.Write(edited)
		}
	})
}

// Connections break at random bytes, five of six. What came is not asked for again.
func TestAConnectionThatBreaksIsTakenUpWhereItBroke(t *testing.T) {
	t.Parallel()
	disk := content(30, 4<<20)
	store, id, ix := imported(t, disk)
	var sent, cuts atomic.Int64
	url := serve(t, through(handler(store), func(r *http.Request, body []byte) []byte {
		if len(body) > 1 && rand.IntN(6) > 0 {
			body = body[:1+rand.IntN(len(body)-1)]
			cuts.Add(1)
		}
		if strings.Contains(r.URL.Path, "/blocks/") {
			sent.Add(int64(len(body)))
		}
		return body
	}))
	target := blank(t, len(disk))
	_, err := (&Writer{From: remote(t, url)}).Install(hurry(t), id, target)
	require.NoError(t, err)
	same(t, disk, read(t, target))
	require.Greater(t, cuts.Load(), int64(len(ix.Blocks)))
	require.Equal(t, ix.Stored(), sent.Load(), "every byte came once")
}

// corrupted turns a bit in one block, for as long as again says so.
func corrupted(s Source, id ID, number uint32, again func() bool) http.Handler {
	path := fmt.Sprintf("/%s/blocks/%d", id, number)
	return through(handler(s), func(r *http.Request, body []byte) []byte {
		if r.URL.Path == path && again() {
			body = append([]byte(nil), body...)
			body[len(body)/2] ^= 1
		}
		return body
	})
}

func TestAWrongBlockIsAskedForAgain(t *testing.T) {
	t.Parallel()
	disk := content(31, 2<<20)
	store, id, ix := imported(t, disk)
	var lies atomic.Int64
	url := serve(t, corrupted(store, id, ix.Blocks[3].Number, func() bool { return lies.Add(1) < strikes }))
	target := blank(t, len(disk))
	_, err := (&Writer{From: remote(t, url)}).Install(hurry(t), id, target)
	require.NoError(t, err)
	require.EqualValues(t, strikes, lies.Load())
	same(t, disk, read(t, target))
}

func TestAWrongBlockIsAskedForElsewhere(t *testing.T) {
	t.Parallel()
	disk := content(32, 2<<20)
	store, id, ix := imported(t, disk)
	liar := serve(t, corrupted(store, id, ix.Blocks[3].Number, func() bool { return true }))
	target := blank(t, len(disk))
	_, err := (&Writer{From: remote(t, liar, serve(t, handler(store)))}).Install(hurry(t), id, target)
	require.NoError(t, err)
	same(t, disk, read(t, target))
}

func TestAWrongBlockIsNeverWritten(t *testing.T) {
	t.Parallel()
	disk := content(33, 2<<20)
	store, id, ix := imported(t, disk)
	bad := ix.Blocks[3].Number
	url := serve(t, corrupted(store, id, bad, func() bool { return true }))
	target := blank(t, len(disk))
	_, err := (&Writer{From: remote(t, url)}).Install(hurry(t), id, target)
	var wrong *BlockError
	require.ErrorAs(t, err, &wrong)
	require.ErrorIs(t, err, ErrCorrupt)
	require.Equal(t, bad, wrong.Block)
	require.Equal(t, url, wrong.Server)
	offset, length := ix.Span(int64(bad))
	for _, b := range read(t, target)[offset : offset+int64(length)] {
		require.EqualValues(t, 0xee, b)
	}
}

func TestAnIndexOfAnotherImageIsRefused(t *testing.T) {
	t.Parallel()
	store, id, _ := imported(t, content(34, 1<<20))
	url := serve(t, through(handler(store), func(_ *http.Request, body []byte) []byte {
		return append(body[:len(body)-1:len(body)-1], body[len(body)-1]^1)
	}))
	_, err := remote(t, url).Index(hurry(t), id)
	require.ErrorIs(t, err, ErrCorrupt)
}

func TestAnImageThatNobodyHasIsUnknown(t *testing.T) {
	t.Parallel()
	store, id, ix := imported(t, content(35, 1<<20))
	require.NoError(t, store.Remove(id))
	one, two := serve(t, handler(store)), serve(t, handler(store))
	_, err := remote(t, one, two).Index(hurry(t), id)
	require.ErrorIs(t, err, ErrUnknown)
	err = (&Writer{From: remote(t, one, two)}).Write(hurry(t), id, ix, blank(t, 1<<20))
	require.ErrorIs(t, err, ErrUnknown)
}

// A server goes away in the middle of an image, with all its connections, and
// comes back at the same address.
func TestAServerMayBeRestarted(t *testing.T) {
	t.Parallel()
	disk := content(36, 4<<20)
	store, id, ix := imported(t, disk)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := listener.Addr().String()
	var served atomic.Int64
	half := make(chan struct{})
	var once sync.Once
	counted := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if served.Add(1) == int64(len(ix.Blocks)/2) {
			once.Do(func() { close(half) })
			<-r.Context().Done()
			return
		}
		handler(store).ServeHTTP(w, r)
	})
	first := &http.Server{Handler: counted}
	go func() { _ = first.Serve(listener) }()
	second := &http.Server{Handler: handler(store)}
	defer func() { _ = second.Close() }()
	restarted := make(chan error, 1)
	go func() {
		<-half
		err := first.Close()
		again, listening := net.Listen("tcp", address)
		restarted <- errors.Join(err, listening)
		if listening == nil {
			_ = second.Serve(again)
		}
	}()
	target := blank(t, len(disk))
	_, err = (&Writer{From: remote(t, "http://"+address)}).Install(hurry(t), id, target)
	require.NoError(t, <-restarted)
	require.NoError(t, err)
	same(t, disk, read(t, target))
}

func TestAServerThatFallsSilentIsLeft(t *testing.T) {
	t.Parallel()
	disk := content(37, 1<<20)
	store, id, _ := imported(t, disk)
	var silent atomic.Int64
	url := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch silent.Add(1) {
		case 2: // not even a header
			<-r.Context().Done()
			return
		case 3:
			w.Header().Set("Content-Length", "9999")
			_, _ = io.WriteString(w, "x")
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
			return
		}
		handler(store).ServeHTTP(w, r)
	}))
	r := remote(t, url)
	r.pace.Stall /= 50
	_, err := (&Writer{From: r}).Install(hurry(t), id, blank(t, len(disk)))
	require.NoError(t, err)
}
