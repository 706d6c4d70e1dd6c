package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"millwright/internal/image"
)

// writerArg makes this program the writer: URL, image, disk follow.
const writerArg = "write"

// word is what the writer says when it is done: MB/s and MiB.
type word struct {
	Write float64
	Prove float64 // it is not part of the comparison: dd proves nothing
	Peak  int
}

// ours runs the writer in a process of its own. Its time starts with the first
// request and ends with the flush, as dd's does. Holes are zeroed: it is not
// told that the disk was erased.
func (b *bench) ours(ctx context.Context, d disk) (w word, err error) {
	if err := b.erase(ctx); err != nil {
		return w, err
	}
	self, err := os.Executable()
	if err != nil {
		return w, err
	}
	cmd := exec.CommandContext(ctx, self, writerArg, b.url, d.id.String(), b.device)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return w, fmt.Errorf("the writer of the %s disk: %w", d.name, err)
	}
	return w, json.Unmarshal(out, &w)
}

// write is the writer's process.
func write(ctx context.Context, url, name, device string) error {
	id, err := image.ParseID(name)
	if err != nil {
		return err
	}
	from, err := image.NewRemote(image.RemoteConfig{Servers: []string{url}})
	if err != nil {
		return err
	}
	w := image.Writer{From: from}
	began := time.Now()
	ix, err := from.Index(ctx, id)
	if err != nil {
		return err
	}
	if err := w.Write(ctx, id, ix, device); err != nil {
		return err
	}
	said := word{Write: perSecond(ix.Size, began)}
	began = time.Now()
	if _, err := w.Prove(ctx, id, ix, device); err != nil {
		return err
	}
	said.Prove = perSecond(ix.Size, began)
	if said.Peak, err = peak(); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(said)
}

// peak is the most memory that this process ever had.
func peak() (mib int, err error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	_, rest, found := strings.Cut(string(status), "VmHWM:")
	if !found {
		return 0, errors.New("/proc/self/status names no VmHWM")
	}
	var kib int
	_, err = fmt.Sscan(rest, &kib)
	return (kib + 1023) / 1024, err
}
