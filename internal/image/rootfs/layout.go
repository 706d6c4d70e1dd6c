package rootfs

import (
	"context"
	"fmt"
	"os"
	"strings"
)

const (
	sector    = 512
	mebibyte  = 1 << 20
	blockSize = 4096 // of ext4

	// Where parts begin, and how long those are that always have the same size.
	biosStart, biosSize = 1 * mebibyte, 1 * mebibyte
	espStart, espSize   = 2 * mebibyte, 64 * mebibyte
	rootStart           = 66 * mebibyte
	tail                = 1 * mebibyte // the second table, and what aligns the end

	// journal is what a disk of some 10 GiB gets, in MiB: it does not grow with
	// the file system. It is a hole of the image.
	journal = 64
)

// layout is a disk's size, and what of it is the root file system's.
type layout struct {
	size, rootSize int64
	inodes         int64
}

// arrange sees to it that all files have room.
func arrange(size int64, t tree) (layout, error) {
	// A journal may take half of a file system.
	needs := max(t.bytes+t.entries*512+journal*mebibyte+16*mebibyte, 3*journal*mebibyte)
	if size == 0 {
		size = rootStart + tail + needs + needs/4
	}
	size = (size + mebibyte - 1) / mebibyte * mebibyte
	l := layout{size: size, rootSize: size - rootStart - tail}
	if l.rootSize < needs {
		return l, fmt.Errorf("a disk of %d bytes has no room for its files: give %d or more", size, needs+rootStart+tail)
	}
	l.inodes = max(l.rootSize/(16<<10), t.entries*3/2)
	return l, nil
}

// Types of partitions: UEFI specification 2.10, table 5.7, GRUB's manual, and the
// Discoverable Partitions Specification.
const (
	typeESP  = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b"
	typeBIOS = "21686148-6449-6e6f-744e-656564454649"
	typeRoot = "4f68bce3-e8cd-4db1-96e7-fbcaf984b709"
)

// partition makes the disk with nothing but its table.
func (j *job) partition(ctx context.Context) error {
	if err := os.WriteFile(j.disk, nil, 0o644); err != nil {
		return err
	}
	if err := os.Truncate(j.disk, j.size); err != nil {
		return err
	}
	var table strings.Builder
	fmt.Fprintf(&table, "label: gpt\nlabel-id: %s\nunit: sectors\n", j.ids.disk)
	for _, p := range []struct {
		number      int
		start, size int64
		kind, id    string
		name        string
	}{
		{1, rootStart, j.rootSize, typeRoot, j.ids.root, "root"},
		{14, biosStart, biosSize, typeBIOS, j.ids.bios, "bios"},
		{15, espStart, espSize, typeESP, j.ids.esp, "esp"},
	} {
		fmt.Fprintf(&table, "%d : start=%d, size=%d, type=%s, uuid=%s, name=%s\n", p.number, p.start/sector, p.size/sector, p.kind, p.id, p.name)
	}
	_, err := j.run(ctx, strings.NewReader(table.String()), nil, "sfdisk", "--quiet", "--no-reread", "--no-tell-kernel", "--wipe=never", j.disk)
	return err
}
