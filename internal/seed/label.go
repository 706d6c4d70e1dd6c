package seed

import (
	"bytes"
	"io"
)

// mark says by which bytes a file system is known, and where its label is.
type mark struct {
	kind     string // as mount(2) names it
	at       int64
	magic    string
	label    int64
	labelLen int
}

// marks are of ext4 (2 and 3 as well), XFS, btrfs and FAT, from the kernel's own
// headers.
var marks = []mark{
	{"ext4", 0x438, "\x53\xEF", 0x478, 16},
	{"xfs", 0, "XFSB", 0x6C, 12},
	{"btrfs", 0x10040, "_BHRfS_M", 0x1012B, 256},
	{"vfat", 82, "FAT32   ", 71, 11},
	{"vfat", 54, "FAT1", 43, 11},
}

// identify reads what kind of file system begins here, and its label. Both are
// empty where it is none that we can write to.
func identify(r io.ReaderAt) (kind, label string) {
	for _, m := range marks {
		magic := make([]byte, len(m.magic))
		if _, err := r.ReadAt(magic, m.at); err != nil || string(magic) != m.magic {
			continue
		}
		text := make([]byte, m.labelLen)
		if _, err := r.ReadAt(text, m.label); err != nil {
			continue
		}
		text, _, _ = bytes.Cut(text, []byte{0})
		return m.kind, string(bytes.TrimRight(text, " "))
	}
	return "", ""
}
