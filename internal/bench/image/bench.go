package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"millwright/internal/image"
)

// bench is a folder with two disks, a server of their images, and a device to
// write them to.
type bench struct {
	folder, device string
	server         *http.Server
	url            string
	full, sparse   disk
}

// disk is one image in both forms.
type disk struct {
	name string
	size int64
	id   image.ID // ours
	zst  string   // theirs
}

func prepare(ctx context.Context) (_ *bench, err error) {
	folder, err := os.MkdirTemp("", "bench-image-*")
	if err != nil {
		return nil, err
	}
	b := &bench{folder: folder}
	defer func() {
		if err != nil {
			err = errors.Join(err, b.clean())
		}
	}()
	images := filepath.Join(folder, "images")
	if err := os.Mkdir(images, 0o755); err != nil {
		return nil, err
	}
	store, err := image.OpenStore(images, 0)
	if err != nil {
		return nil, err
	}
	if b.full, err = b.make(ctx, store, "full", 0); err != nil {
		return nil, err
	}
	if b.sparse, err = b.make(ctx, store, "sparse", 2*piece); err != nil {
		return nil, err
	}
	if err := b.attach(ctx); err != nil {
		return nil, err
	}
	return b, b.serve(store)
}

// make collects a disk and packs it in both ways. zstd packs at its own level 3.
func (b *bench) make(ctx context.Context, store *image.Store, name string, gap int64) (d disk, err error) {
	raw := filepath.Join(b.folder, name)
	if d.size, err = collect(raw, gap); err != nil {
		return d, err
	}
	d.name, d.zst = name, raw+".zst"
	if d.id, err = store.Import(ctx, image.Origin{Path: raw}); err != nil {
		return d, err
	}
	if err = run(ctx, "zstd", "-q", "-T0", raw, "-o", d.zst); err != nil {
		return d, err
	}
	return d, os.Remove(raw)
}

// attach makes the device. Its file is written once, so that no round pays for
// a file system that finds room.
func (b *bench) attach(ctx context.Context) error {
	backing := filepath.Join(b.folder, "device")
	if err := run(ctx, "fallocate", "-l", fmt.Sprint(max(b.full.size, b.sparse.size)), backing); err != nil {
		return err
	}
	out, err := exec.CommandContext(ctx, "losetup", "--show", "--direct-io=on", "-f", backing).CombinedOutput()
	b.device = strings.TrimSpace(string(out))
	if err != nil {
		b.device = ""
		return fmt.Errorf("make a loop device of %s (it wants root): %s: %w", backing, out, err)
	}
	return nil
}

func (b *bench) serve(store *image.Store) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	b.url = "http://" + listener.Addr().String()
	b.server = &http.Server{Handler: image.Handler(store, nil, slog.Default())}
	go func() { _ = b.server.Serve(listener) }()
	return nil
}

func (b *bench) clean() (err error) {
	if b.server != nil {
		err = b.server.Close()
	}
	if b.device != "" {
		err = errors.Join(err, run(context.Background(), "losetup", "-d", b.device))
	}
	return errors.Join(err, os.RemoveAll(b.folder))
}

// erase is what comes before every write, ours and theirs: a disk as it is
// after its erasure.
func (b *bench) erase(ctx context.Context) error {
	return errors.Join(run(ctx, "blkdiscard", b.device), run(ctx, "sync"))
}

// dd is the peer.
func (b *bench) dd(ctx context.Context, d disk) (float64, error) {
	if err := b.erase(ctx); err != nil {
		return 0, err
	}
	began := time.Now()
	err := run(ctx, "bash", "-o", "pipefail", "-c",
		`zstd -dc "$1" | dd of="$2" bs=4M oflag=direct iflag=fullblock conv=fsync status=none`, "bash", d.zst, b.device)
	return perSecond(d.size, began), err
}

func perSecond(bytes int64, began time.Time) float64 {
	return float64(bytes) / 1e6 / time.Since(began).Seconds()
}

func run(ctx context.Context, name string, args ...string) error {
	if out, err := exec.CommandContext(ctx, name, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %s: %w", name, strings.Join(args, " "), out, err)
	}
	return nil
}
