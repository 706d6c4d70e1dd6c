package image

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// counted counts the requests for each path.
func counted(h http.Handler) (http.Handler, func() map[string]int) {
	var mu sync.Mutex
	asked := map[string]int{}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			asked[r.URL.Path]++
			mu.Unlock()
			h.ServeHTTP(w, r)
		}), func() map[string]int {
			mu.Lock()
			defer mu.Unlock()
			return asked
		}
}

func newCache(t *testing.T, folder string, room int64, upstream string) *Cache {
	t.Helper()
	c, err := OpenCache(folder, room, remote(t, upstream), slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	return c
}

func TestARackFetchesEachBlockFromUpstreamOnce(t *testing.T) {
	t.Parallel()
	disk := content(60, 2<<20)
	store, id, ix := imported(t, disk)
	h, asked := counted(handler(store))
	site := serve(t, handler(newCache(t, t.TempDir(), 1<<30, serve(t, h))))
	errs := make([]error, 40)
	var all sync.WaitGroup
	for i := range errs {
		target := blank(t, len(disk))
		all.Go(func() { _, errs[i] = (&Writer{From: remote(t, site)}).Install(hurry(t), id, target) })
	}
	all.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
	require.Len(t, asked(), len(ix.Blocks)+1)
	for path, n := range asked() {
		require.Equal(t, 1, n, path)
	}
}

func TestACacheKeepsWhatItHasAcrossARestartAndWithoutUpstream(t *testing.T) {
	t.Parallel()
	disk := content(61, 2<<20)
	store, id, _ := imported(t, disk)
	upstream := httptest.NewServer(handler(store))
	folder := t.TempDir()
	same(t, disk, unpacked(t, newCache(t, folder, 1<<30, upstream.URL), id))
	upstream.Close()
	require.NoError(t, os.WriteFile(filepath.Join(folder, unfinished+"x"), []byte("half"), 0o600))
	same(t, disk, unpacked(t, newCache(t, folder, 1<<30, upstream.URL), id))
	require.NoFileExists(t, filepath.Join(folder, unfinished+"x"))
}

// A power cut may leave any bytes in a file, and any length.
func TestACacheMendsWhatAPowerCutLeft(t *testing.T) {
	t.Parallel()
	disk := content(62, 2<<20)
	store, id, ix := imported(t, disk)
	upstream := serve(t, handler(store))
	folder := t.TempDir()
	_ = unpacked(t, newCache(t, folder, 1<<30, upstream), id)
	flip(t, filepath.Join(folder, ix.Blocks[0].name()), 40)
	require.NoError(t, os.Truncate(filepath.Join(folder, ix.Blocks[1].name()), 0))
	require.NoError(t, os.Remove(filepath.Join(folder, ix.Blocks[2].name())))
	flip(t, filepath.Join(folder, "index-"+id.String()), 50)
	same(t, disk, unpacked(t, newCache(t, folder, 1<<30, upstream), id))
}

// The cache's disk rots under it; the machine that gets the wrong block says
// so, and the next time it gets the right one.
func TestAClientMakesACacheLookAgain(t *testing.T) {
	t.Parallel()
	disk := content(63, 2<<20)
	store, id, ix := imported(t, disk)
	h, asked := counted(handler(store))
	folder := t.TempDir()
	cache := newCache(t, folder, 1<<30, serve(t, h))
	_ = unpacked(t, cache, id)
	rotten := ix.Blocks[2]
	flip(t, filepath.Join(folder, rotten.name()), int64(rotten.Length)/2)
	target := blank(t, len(disk))
	_, err := (&Writer{From: remote(t, serve(t, handler(cache)))}).Install(hurry(t), id, target)
	require.NoError(t, err)
	same(t, disk, read(t, target))
	for path, n := range asked() {
		require.LessOrEqual(t, n, 2, path)
	}
}

func TestACacheStaysWithinItsRoom(t *testing.T) {
	t.Parallel()
	disk := content(64, 4<<20)
	store, id, ix := imported(t, disk)
	room := ix.Stored() / 3
	folder := t.TempDir()
	cache := newCache(t, folder, room, serve(t, handler(store)))
	for range 2 {
		same(t, disk, unpacked(t, cache, id))
		require.LessOrEqual(t, size(t, folder), room)
	}
	last := ix.Blocks[len(ix.Blocks)-1].name()
	require.FileExists(t, filepath.Join(folder, last))
	require.NoFileExists(t, filepath.Join(folder, ix.Blocks[0].name()))

	smaller := newCache(t, folder, room/2, "http://127.0.0.1:1")
	require.LessOrEqual(t, size(t, folder), room/2)
	require.NotZero(t, smaller.shelf.size)
	require.FileExists(t, filepath.Join(folder, last), "the oldest go first after a restart too")
}

func TestWhatWasAskedForLastStaysLongest(t *testing.T) {
	t.Parallel()
	s, err := openShelf(t.TempDir(), 30)
	require.NoError(t, err)
	for _, name := range []string{"a", "b", "c"} {
		require.NoError(t, s.put(name, make([]byte, 10)))
	}
	f, sound, err := s.open("a")
	require.NoError(t, err)
	require.True(t, sound)
	require.NoError(t, s.put("d", make([]byte, 10)))
	require.FileExists(t, filepath.Join(s.folder, "a"))
	require.NoFileExists(t, filepath.Join(s.folder, "b"))
	require.NoError(t, s.put("e", make([]byte, 25)))
	left, err := io.ReadAll(f)
	require.NoError(t, err)
	require.Len(t, left, 10, "who has it open reads on")
	require.NoError(t, f.Close())
	require.EqualValues(t, 25, s.size)
}

func size(t *testing.T, folder string) (sum int64) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	for _, e := range entries {
		info, err := e.Info()
		require.NoError(t, err)
		sum += info.Size()
	}
	return sum
}

func TestACacheWithoutADiskStillServes(t *testing.T) {
	t.Parallel()
	disk := content(65, 1<<20)
	store, id, _ := imported(t, disk)
	folder := filepath.Join(t.TempDir(), "gone")
	require.NoError(t, os.Mkdir(folder, 0o755))
	cache := newCache(t, folder, 1<<30, serve(t, handler(store)))
	require.NoError(t, os.Remove(folder))
	same(t, disk, unpacked(t, cache, id))
}

func TestACacheIsNotHeldUpByAClientThatLeaves(t *testing.T) {
	t.Parallel()
	store, id, ix := imported(t, content(66, 1<<20))
	entered, release := make(chan struct{}, 99), make(chan struct{})
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/"+id.String()+"/index" {
			entered <- struct{}{}
			<-release
		}
		handler(store).ServeHTTP(w, r)
	})
	cache := newCache(t, t.TempDir(), 1<<30, serve(t, h))
	ctx, leave := context.WithCancel(t.Context())
	left := make(chan error)
	go func() {
		_, err := cache.Block(ctx, id, ix.Blocks[0].Number)
		left <- err
	}()
	<-entered
	leave()
	require.ErrorIs(t, <-left, context.Canceled)
	close(release)
	frame, err := cache.Block(t.Context(), id, ix.Blocks[0].Number)
	require.NoError(t, err)
	require.NoError(t, frame.Close())
	require.Empty(t, entered, "the first fetch went on, and was enough")
}

func TestABlockIsServedInRangesAndForEver(t *testing.T) {
	t.Parallel()
	store, id, ix := imported(t, content(67, 1<<20))
	url := serve(t, handler(store))
	path := url + "/" + id.String() + "/blocks/" + "0"
	whole, err := store.Block(t.Context(), id, 0)
	require.NoError(t, err)
	want, err := io.ReadAll(whole)
	require.NoError(t, err)
	require.NoError(t, whole.Close())

	res := get(t, path, "Range", "bytes=5-")
	require.Equal(t, http.StatusPartialContent, res.StatusCode)
	require.True(t, bytes.Equal(want[5:], body(t, res)))
	require.Contains(t, res.Header.Get("Cache-Control"), "immutable")
	res = get(t, path, "If-None-Match", res.Header.Get("ETag"))
	require.Equal(t, http.StatusNotModified, res.StatusCode)
	require.Empty(t, body(t, res))
	res = get(t, url+"/"+id.String()+"/index", "", "")
	require.True(t, bytes.Equal(ix.Encode(), body(t, res)))

	other := id
	other[0] ^= 1
	for _, odd := range []string{"/", "/index", "/../index", "/" + other.String() + "/index", "/" + other.String() + "/blocks/0",
		"/" + id.String() + "/blocks/99999", "/" + id.String() + "/blocks/-1", "/" + id.String() + "/blocks/x", "/" + id.String() + "/blocks"} {
		res := get(t, url+odd, "", "")
		require.Equal(t, http.StatusNotFound, res.StatusCode, odd)
		_ = body(t, res)
	}
}

func get(t *testing.T, url, header, value string) *http.Response {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	require.NoError(t, err)
	if header != "" {
		req.Header.Set(header, value)
	}
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	return res
}

func body(t *testing.T, res *http.Response) []byte {
	t.Helper()
	defer func() { require.NoError(t, res.Body.Close()) }()
	all, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return all
}
