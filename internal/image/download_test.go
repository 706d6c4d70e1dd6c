package image

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// vendor serves one file, and breaks each connection after so many bytes.
type vendor struct {
	content atomic.Pointer[[]byte]
	tag     atomic.Pointer[string]
	breaks  int // bytes of an answer; 0 breaks none
	asked   atomic.Int32
	sent    atomic.Int64
}

func newVendor(content []byte) *vendor {
	v := &vendor{}
	v.publish(content, `"one"`)
	return v
}

func (v *vendor) publish(content []byte, tag string) {
	v.content.Store(&content)
	v.tag.Store(&tag)
}

func (v *vendor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v.asked.Add(1)
	w.Header().Set("ETag", *v.tag.Load())
	w = &sums{w, &v.sent}
	if v.breaks > 0 {
		w = &breaking{w, v.breaks}
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(*v.content.Load()))
}

type sums struct {
	http.ResponseWriter
	n *atomic.Int64
}

func (s *sums) Unwrap() http.ResponseWriter { return s.ResponseWriter }

func (s *sums) Write(b []byte) (int, error) {
	n, err := s.ResponseWriter.Write(b)
	s.n.Add(int64(n))
	return n, err
}

type breaking struct {
	http.ResponseWriter
	left int
}

func (b *breaking) Write(p []byte) (int, error) {
	if b.left <= 0 {
		panic(http.ErrAbortHandler)
	}
	n, err := b.ResponseWriter.Write(p[:min(len(p), b.left)])
	b.left -= n
	if b.left <= 0 {
		_ = http.NewResponseController(b.ResponseWriter).Flush()
		panic(http.ErrAbortHandler)
	}
	return n, err
}

func downloader(t *testing.T, url string) *Download {
	t.Helper()
	return &Download{URL: url + "/debian-12.qcow2", Path: filepath.Join(t.TempDir(), "part"), Client: &http.Client{Transport: &http.Transport{}},
		Pace: Pace{Stall: 5 * time.Second, First: time.Millisecond, Longest: 5 * time.Millisecond}}
}

func TestADownloadGoesOnWhereEachConnectionBroke(t *testing.T) {
	t.Parallel()
	want := content(3, 3<<20)
	v := newVendor(want)
	v.breaks = 700 << 10
	d := downloader(t, serve(t, v))
	require.NoError(t, d.Run(hurry(t)))
	got, err := os.ReadFile(d.Path)
	require.NoError(t, err)
	same(t, want, got)
	require.EqualValues(t, 5, v.asked.Load())
	require.EqualValues(t, len(want), v.sent.Load(), "no byte was sent twice")
	require.NoError(t, d.Run(hurry(t)))
	require.Less(t, v.sent.Load(), int64(len(want)+1000), "what is all there is not fetched again")
}

func TestADownloadGoesOnAfterTheProgramEnded(t *testing.T) {
	t.Parallel()
	want := content(4, 2<<20)
	v := newVendor(want)
	d := downloader(t, serve(t, v))
	require.NoError(t, os.WriteFile(d.Path, want[:1<<20], 0o600))
	require.NoError(t, os.WriteFile(d.Path+".tag", []byte(`"one"`), 0o600))
	require.NoError(t, d.Run(hurry(t)))
	got, err := os.ReadFile(d.Path)
	require.NoError(t, err)
	same(t, want, got)
	require.EqualValues(t, 1<<20, v.sent.Load())
}

func TestHalvesOfTwoFilesAreNeverJoined(t *testing.T) {
	t.Parallel()
	want := content(5, 1<<20)
	for name, was := range map[string][]byte{"shorter": make([]byte, 1000), "as long": make([]byte, len(want)), "longer": make([]byte, len(want)+1)} {
		v := newVendor(want)
		d := downloader(t, serve(t, v))
		require.NoError(t, os.WriteFile(d.Path, was, 0o600), name)
		require.NoError(t, os.WriteFile(d.Path+".tag", []byte(`"last week's"`), 0o600))
		require.NoError(t, d.Run(hurry(t)), name)
		got, err := os.ReadFile(d.Path)
		require.NoError(t, err)
		same(t, want, got)
	}
}

func TestADownloadEndsAndSaysWhy(t *testing.T) {
	t.Parallel()
	big := newVendor(make([]byte, 1<<20))
	endless := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for {
			if _, err := w.Write(make([]byte, 64<<10)); err != nil {
				return
			}
		}
	})
	code := func(n int) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(n) })
	}
	for name, c := range map[string]struct {
		h    http.Handler
		says string
	}{
		"too large": {big, "the limit is 1000"}, "without an end": {endless, "more than 1000 bytes"},
		"not there": {code(404), "404"}, "away for long": {code(503), "503"},
	} {
		d := downloader(t, serve(t, c.h))
		d.Limit = 1000
		d.URL += "?token=s3cret"
		err := d.Run(hurry(t))
		require.ErrorContains(t, err, c.says, name)
		require.ErrorContains(t, err, "/debian-12.qcow2", name)
		require.NotContains(t, err.Error(), "s3cret", name)
		info, err := os.Stat(d.Path)
		require.NoError(t, err)
		require.LessOrEqual(t, info.Size(), int64(1000), name)
	}
	d := downloader(t, "http://user:s3cret@127.0.0.1:1")
	err := d.Run(hurry(t))
	require.ErrorContains(t, err, "refused")
	require.NotContains(t, err.Error(), "s3cret")
}

func TestOneFileIsDownloadedByOneProgram(t *testing.T) {
	t.Parallel()
	began, end := make(chan struct{}, 1), make(chan struct{})
	d := downloader(t, serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", strconv.Itoa(3))
		_ = http.NewResponseController(w).Flush()
		began <- struct{}{}
		<-end
		_, _ = w.Write([]byte("all"))
	})))
	other := *d
	done := make(chan error, 1)
	go func() { done <- d.Run(hurry(t)) }()
	<-began
	require.ErrorContains(t, other.Run(hurry(t)), "another program")
	close(end)
	require.NoError(t, <-done)
}
