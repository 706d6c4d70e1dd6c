package main

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"millwright/internal/image"
)

// imageRig is a boot service that is there for its images.
type imageRig struct {
	*rig
	url  string // of images
	stop func()
}

// serveImages starts one. An empty address is any.
func serveImages(t *testing.T, images ImageConfig, address string) *imageRig {
	t.Helper()
	if address == "" {
		address = "127.0.0.1:0"
	}
	w, folder, log := newWorld(), t.TempDir(), &journal{}
	srv, err := open(Config{
		Site: "lab1", Address: netip.MustParseAddr("127.0.0.1"), URL: "http://127.0.0.1",
		DHCPListen: "127.0.0.1:0", TFTPListen: "127.0.0.1:0", HTTPListen: address, AdminListen: "127.0.0.1:0",
		IPXEFolder: folder, AgentFolder: folder, Images: images, ErasureKey: filepath.Join(folder, "erasure.pem"),
		Lease: time.Hour, Resend: time.Second, Reload: time.Minute, Stale: time.Minute,
	}, w, w, slog.New(slog.NewTextHandler(log, nil)))
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- srv.run(ctx) }()
	stop := sync.OnceFunc(func() { cancel(); require.NoError(t, <-done) })
	t.Cleanup(stop)
	return &imageRig{&rig{t: t, w: w, srv: srv, log: log}, "http://" + srv.http.Addr().String() + "/images", stop}
}

// vendored is a store with one image, of noise with a hole, and its disk.
func vendored(t *testing.T, mebibytes int) (folder string, id image.ID, disk []byte) {
	t.Helper()
	disk = make([]byte, mebibytes<<20)
	seed := [32]byte{byte(mebibytes)}
	_, _ = rand.NewChaCha8(seed).Read(disk[:len(disk)-1<<20])
	file := filepath.Join(t.TempDir(), "debian.raw")
	require.NoError(t, os.WriteFile(file, disk, 0o600))
	folder = t.TempDir()
	store, err := image.OpenStore(folder, 0)
	require.NoError(t, err)
	id, err = store.Import(t.Context(), image.Origin{Path: file})
	require.NoError(t, err)
	return folder, id, disk
}

// machineDisk is a disk with somebody's data on it, and a writer that fetches from
// boot services, as an agent does.
func machineDisk(t *testing.T, size int, servers ...string) (path string, w *image.Writer) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "disk")
	require.NoError(t, os.WriteFile(path, bytes.Repeat([]byte{0xee}, size), 0o600))
	from, err := image.NewRemote(image.RemoteConfig{Servers: servers, Pace: image.Pace{Stall: 5 * time.Second, First: time.Millisecond, Longest: 50 * time.Millisecond}})
	require.NoError(t, err)
	return path, &image.Writer{From: from}
}

func minute(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func sameDisk(t *testing.T, want []byte, path string) {
	t.Helper()
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	require.True(t, bytes.Equal(want, got), "the disk is not the image")
}

// cutting is a line to a server that breaks so often in the middle of a block.
func cutting(t *testing.T, to string, times int32) (url string, left *atomic.Int32) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	left = &atomic.Int32{}
	left.Store(times)
	server := strings.TrimSuffix(strings.TrimPrefix(to, "http://"), "/images")
	go func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			go carry(near, server, left)
		}
	}()
	return "http://" + l.Addr().String() + "/images", left
}

func carry(near net.Conn, server string, left *atomic.Int32) {
	defer func() { _ = near.Close() }()
	far, err := net.Dial("tcp", server)
	if err != nil {
		return
	}
	defer func() { _ = far.Close() }()
	go func() { _, _ = io.Copy(far, near); _ = far.Close() }()
	if _, err := io.CopyN(near, far, 300<<10); err != nil || left.Add(-1) >= 0 {
		return
	}
	_, _ = io.Copy(near, far)
}

func TestAnInstallOutlivesCutLinesAndARestartOfBoot(t *testing.T) {
	t.Parallel()
	folder, id, want := vendored(t, 12)
	upstream := serveImages(t, ImageConfig{Folder: folder}, "")
	site := ImageConfig{Folder: t.TempDir(), Upstream: []string{upstream.url}, Room: 1 << 30, Rate: 4 << 20} // slow enough for the rest to be the second one's
	boot := serveImages(t, site, "")
	url, cuts := cutting(t, boot.url, 2)
	disk, writer := machineDisk(t, len(want), url)
	begun, again, once := make(chan struct{}), make(chan struct{}), sync.Once{}
	writer.Progress = func(done, size int64) {
		if done > 0 {
			once.Do(func() { close(begun); <-again })
		}
	}
	ended := make(chan error, 1)
	go func() { _, err := writer.Install(minute(t), id, disk); ended <- err }()
	<-begun
	boot.stop()
	boot = serveImages(t, site, boot.srv.http.Addr().String())
	close(again)
	require.NoError(t, <-ended)
	sameDisk(t, want, disk)
	require.Negative(t, cuts.Load(), "the line broke twice")
	require.NotEqual(t, "0", boot.metric("millwright_boot_image_bytes_total"), "the second boot service served the rest")
}

func TestARackInstallsAtOnceAndUpstreamGivesEachBlockOnce(t *testing.T) {
	t.Parallel()
	folder, id, want := vendored(t, 6)
	upstream := serveImages(t, ImageConfig{Folder: folder}, "")
	boot := serveImages(t, ImageConfig{Folder: t.TempDir(), Upstream: []string{upstream.url}, Room: 1 << 30, Rate: 200 << 20}, "")
	var rack errgroup.Group
	var disks []string
	for range 8 {
		disk, writer := machineDisk(t, len(want), boot.url)
		disks = append(disks, disk)
		ctx := minute(t)
		rack.Go(func() error { _, err := writer.Install(ctx, id, disk); return err })
	}
	require.NoError(t, rack.Wait())
	for _, disk := range disks {
		sameDisk(t, want, disk)
	}
	require.Equal(t, "5", boot.metric(`millwright_boot_image_cache_blocks_total{outcome="miss"}`))
	store, err := image.OpenStore(folder, 0)
	require.NoError(t, err)
	info, err := store.Info(t.Context(), id)
	require.NoError(t, err)
	require.EqualValues(t, info.Stored, number(t, upstream.metric("millwright_boot_image_bytes_total")))
	require.EqualValues(t, 8*info.Stored, number(t, boot.metric("millwright_boot_image_bytes_total")))
	boot.eventually("nobody is served any more", func() bool { return boot.metric("millwright_boot_image_clients") == "0" })
}

func TestADamagedCopyIsMendedOnTheWay(t *testing.T) {
	t.Parallel()
	folder, id, want := vendored(t, 6)
	upstream := serveImages(t, ImageConfig{Folder: folder}, "")
	site := ImageConfig{Folder: t.TempDir(), Upstream: []string{upstream.url}, Room: 1 << 30}
	boot := serveImages(t, site, "")
	disk, writer := machineDisk(t, len(want), boot.url)
	_, err := writer.Install(minute(t), id, disk)
	require.NoError(t, err)
	boot.stop()
	copies, err := filepath.Glob(filepath.Join(site.Folder, "[0-9a-f]*-*"))
	require.NoError(t, err)
	require.Len(t, copies, 5)
	require.NoError(t, os.Truncate(copies[0], 1000))
	raw, err := os.ReadFile(copies[1])
	require.NoError(t, err)
	raw[len(raw)/2] ^= 1
	require.NoError(t, os.WriteFile(copies[1], raw, 0o600))
	boot = serveImages(t, site, "")
	disk, writer = machineDisk(t, len(want), boot.url)
	_, err = writer.Install(minute(t), id, disk)
	require.NoError(t, err)
	sameDisk(t, want, disk)
	require.Equal(t, "2", boot.metric(`millwright_boot_image_cache_blocks_total{outcome="damaged"}`))
	require.Equal(t, "3", boot.metric(`millwright_boot_image_cache_blocks_total{outcome="hit"}`))
}

func TestACopyOnAFullDiskServesAllTheSame(t *testing.T) {
	t.Parallel()
	folder, id, want := vendored(t, 6)
	small := t.TempDir()
	out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=2500k", "millwright-test", small).CombinedOutput()
	require.NoError(t, err, "%s: it wants root", out)
	t.Cleanup(func() { require.NoError(t, exec.Command("umount", small).Run()) })
	upstream := serveImages(t, ImageConfig{Folder: folder}, "")
	boot := serveImages(t, ImageConfig{Folder: small, Upstream: []string{upstream.url}, Room: 1 << 30}, "")
	disk, writer := machineDisk(t, len(want), boot.url)
	_, err = writer.Install(minute(t), id, disk)
	require.NoError(t, err)
	sameDisk(t, want, disk)
	require.Contains(t, boot.log.String(), "no space left on device")
	boot.stop()
}

func TestAStoreThatDecayedIsNamedAndNothingOfItIsWritten(t *testing.T) {
	t.Parallel()
	folder, id, want := vendored(t, 3)
	blocks := filepath.Join(folder, id.String(), "blocks")
	raw, err := os.ReadFile(blocks)
	require.NoError(t, err)
	raw[len(raw)-5] ^= 1 // of block 1
	require.NoError(t, os.WriteFile(blocks, raw, 0o600))
	boot := serveImages(t, ImageConfig{Folder: folder}, "")
	disk, writer := machineDisk(t, len(want), boot.url)
	_, err = writer.Install(minute(t), id, disk)
	var block *image.BlockError
	require.ErrorAs(t, err, &block)
	require.ErrorIs(t, err, image.ErrCorrupt)
	require.EqualValues(t, 1, block.Block)
	got, err := os.ReadFile(disk)
	require.NoError(t, err)
	require.Equal(t, bytes.Repeat([]byte{0xee}, 1<<20), got[1<<20:2<<20])

	disk, writer = machineDisk(t, 2<<20, boot.url)
	_, err = writer.Install(minute(t), id, disk)
	var small *image.TooSmallError
	require.ErrorAs(t, err, &small)
}

func TestTwoBootServicesGiveTheSameAnswers(t *testing.T) {
	t.Parallel()
	folder, id, want := vendored(t, 3)
	store := serveImages(t, ImageConfig{Folder: folder}, "")
	site := serveImages(t, ImageConfig{Folder: t.TempDir(), Upstream: []string{store.url}, Room: 1 << 30}, "")
	for _, path := range []string{"/index", "/blocks/0", "/blocks/1", "/blocks/2", "/blocks/99", "/nothing"} {
		for _, part := range []string{"", "bytes=100-199"} {
			one, two := answer(t, store.url+"/"+id.String()+path, part), answer(t, site.url+"/"+id.String()+path, part)
			require.Equal(t, one, two, path+" "+part)
		}
	}
	disk, writer := machineDisk(t, len(want), store.url, site.url)
	store.stop()
	_, err := writer.Install(minute(t), id, disk)
	require.NoError(t, err)
	sameDisk(t, want, disk)
}

// answer is all that may not differ.
func answer(t *testing.T, url, part string) (all [5]string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	if part != "" {
		req.Header.Set("Range", part)
	}
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return [5]string{res.Status, string(body), res.Header.Get("ETag"), res.Header.Get("Cache-Control"), res.Header.Get("Content-Range")}
}

func number(t *testing.T, text string) (n float64) {
	t.Helper()
	n, err := strconv.ParseFloat(text, 64)
	require.NoError(t, err)
	return n
}
