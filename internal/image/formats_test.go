package image

import (
	"bytes"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// packers make of disk.raw what vendors publish, with the vendors' own tools.
// $1 is the raw disk, $2 the file to make.
var packers = map[string]string{
	"raw":                        `cp "$1" "$2"`,
	"gzip":                       `gzip -c "$1" >"$2"`,
	"gzip of two members":        `head -c 70000 "$1" | gzip >"$2"; tail -c +70001 "$1" | gzip >>"$2"`,
	"xz":                         `xz -1 -c "$1" >"$2"`,
	"bzip2":                      `bzip2 -c "$1" >"$2"`,
	"zstd":                       `zstd -q -c "$1" >"$2"`,
	"zstd with a long window":    `zstd -q --long=27 -c "$1" >"$2"`,
	"qcow2 version 3":            `qemu-img convert -O qcow2 "$1" "$2"`,
	"qcow2 version 2":            `qemu-img convert -O qcow2 -o compat=0.10 "$1" "$2"`,
	"qcow2, clusters of 512":     `qemu-img convert -O qcow2 -o cluster_size=512 "$1" "$2"`,
	"qcow2, clusters of 2M":      `qemu-img convert -O qcow2 -o cluster_size=2M "$1" "$2"`,
	"qcow2, deflated":            `qemu-img convert -c -O qcow2 "$1" "$2"`,
	"qcow2, deflated, version 2": `qemu-img convert -c -O qcow2 -o compat=0.10,cluster_size=4k "$1" "$2"`,
	"qcow2, deflated, 2M":        `qemu-img convert -c -O qcow2 -o cluster_size=2M "$1" "$2"`,
	"qcow2, zstd":                `qemu-img convert -c -O qcow2 -o compression_type=zstd "$1" "$2"`,
	"qcow2, zstd, 2M":            `qemu-img convert -c -O qcow2 -o compression_type=zstd,cluster_size=2M "$1" "$2"`,
	"qcow2, preallocated":        `qemu-img convert -O qcow2 -o preallocation=metadata "$1" "$2"`,
	"qcow2 with a snapshot":      `qemu-img convert -O qcow2 "$1" "$2" && qemu-img snapshot -c before "$2" && qemu-io -c "write -P 7 0 512" "$2" && qemu-img snapshot -c between "$2" && qemu-img snapshot -a before "$2"`,
	"qcow2 in xz":                `qemu-img convert -O qcow2 "$1" "$2.q" && xz -1 -c "$2.q" >"$2"`,
	"qcow2 in gzip":              `qemu-img convert -c -O qcow2 "$1" "$2.q" && gzip -c "$2.q" >"$2"`,
	"qcow2 with lazy refcounts":  `qemu-img convert -O qcow2 -o lazy_refcounts=on,refcount_bits=1 "$1" "$2"`,
}

func TestOneDiskHasOneIdentityInWhateverItIsPacked(t *testing.T) {
	t.Parallel()
	for _, size := range []int{512, 3*smallBlock + 512, 5<<20 + 1536} {
		disk := content(uint64(size), size)
		raw := file(t, "disk.raw", disk)
		_, want, _ := imported(t, disk)
		for name, script := range packers {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				packed := filepath.Join(t.TempDir(), "packed")
				tool(t, "bash", "-ec", script, "bash", raw, packed)
				s := newStore(t)
				id, err := s.Import(t.Context(), Origin{Path: packed})
				require.NoError(t, err)
				require.Equal(t, want, id)
				same(t, disk, unpacked(t, s, id))
			})
		}
	}
}

// QEMU is the judge of what a qcow2 file holds that was written to, zeroed and
// discarded in place.
func TestAQcow2IsReadAsQEMUReadsIt(t *testing.T) {
	t.Parallel()
	for _, options := range []string{"compat=1.1", "compat=0.10", "cluster_size=4k", "compression_type=zstd"} {
		folder := t.TempDir()
		path, flat := filepath.Join(folder, "disk.qcow2"), filepath.Join(folder, "disk.raw")
		tool(t, "qemu-img", "create", "-q", "-f", "qcow2", "-o", options, path, "3M")
		tool(t, "qemu-io", "-f", "qcow2", "-c", "write -P 1 0 1M", "-c", "write -c -P 2 1M 128k", "-c", "write -z 64k 192k",
			"-c", "discard 512k 256k", "-c", "write -P 3 2600k 5k", "-c", "write -P 0 1536k 64k", path)
		tool(t, "qemu-img", "convert", "-f", "qcow2", "-O", "raw", path, flat)
		want, err := os.ReadFile(flat)
		require.NoError(t, err)
		s := newStore(t)
		id, err := s.Import(t.Context(), Origin{Path: path})
		require.NoError(t, err)
		same(t, want, unpacked(t, s, id))
	}
}

// Tables that a header only claims are not given memory.
func TestAQcow2HeaderIsNotTakenAtItsWord(t *testing.T) {
	t.Parallel()
	raw, packed := file(t, "disk.raw", content(2, 1<<20)), filepath.Join(t.TempDir(), "packed")
	tool(t, "qemu-img", "convert", "-O", "qcow2", raw, packed)
	whole, err := os.ReadFile(packed)
	require.NoError(t, err)
	good, err := readQcow2Header(bytes.NewReader(whole))
	require.NoError(t, err)
	require.NoError(t, good.check(int64(len(whole))))
	for name, spoil := range map[string]func(*qcow2Header){
		"a first table of 32 GiB":      func(h *qcow2Header) { h.L1Entries = 1<<32 - 1 },
		"a first table past the end":   func(h *qcow2Header) { h.L1Offset = 1 << 63 },
		"a first table that overflows": func(h *qcow2Header) { h.L1Offset = 1<<64 - 8 },
		"too few tables for the disk":  func(h *qcow2Header) { h.Size = 1 << 39 },
		"a disk of 16 EiB":             func(h *qcow2Header) { h.Size = 1<<64 - 512 },
		"clusters of a byte":           func(h *qcow2Header) { h.ClusterBits = 0 },
		"clusters of 2 GiB":            func(h *qcow2Header) { h.ClusterBits = 31 },
		"clusters of 2^200 bytes":      func(h *qcow2Header) { h.ClusterBits = 200 },
		"a header longer than all":     func(h *qcow2Header) { h.Length = 1<<32 - 8 },
		"version 4":                    func(h *qcow2Header) { h.Version = 4 },
		"compression of kind 2":        func(h *qcow2Header) { h.Compression = 2 },
	} {
		h := good
		spoil(&h)
		require.ErrorIs(t, h.check(int64(len(whole))), ErrFormat, name)
	}
}

// The zeros behind the data of a file's last cluster may be left out.
func TestAQcow2MayEndWithinItsLastCluster(t *testing.T) {
	t.Parallel()
	disk := make([]byte, 3*smallBlock+512)
	copy(disk, "boot sector")
	copy(disk[3*smallBlock:], "the end")
	packed := filepath.Join(t.TempDir(), "packed")
	tool(t, "qemu-img", "convert", "-O", "qcow2", file(t, "disk.raw", disk), packed)
	whole, err := os.ReadFile(packed)
	require.NoError(t, err)
	short := file(t, "short", whole[:bytes.LastIndex(whole, []byte("the end"))+7])
	require.Less(t, size(t, filepath.Dir(short)), size(t, filepath.Dir(packed)))
	tool(t, "qemu-img", "compare", packed, short) // QEMU reads them alike
	s := newStore(t)
	id, err := s.Import(t.Context(), Origin{Path: short})
	require.NoError(t, err)
	same(t, disk, unpacked(t, s, id))
}

func TestADiskThatEndsWithinASectorIsRoundedUp(t *testing.T) {
	t.Parallel()
	s, id, ix := imported(t, []byte("a boot sector, nearly"))
	require.EqualValues(t, 512, ix.Size)
	same(t, append([]byte("a boot sector, nearly"), make([]byte, 512-21)...), unpacked(t, s, id))
}

func TestADiskOfZerosIsOneHole(t *testing.T) {
	t.Parallel()
	s, id, ix := imported(t, make([]byte, 3*smallBlock+512))
	require.Empty(t, ix.Blocks)
	require.EqualValues(t, 4, ix.Count())
	same(t, make([]byte, 3*smallBlock+512), unpacked(t, s, id))
}

func TestWhatCannotBecomeADiskIsRefusedInWords(t *testing.T) {
	t.Parallel()
	raw := file(t, "disk.raw", content(3, 1<<20))
	for why, script := range map[string]string{
		"lies on top of another file": `qemu-img create -q -f qcow2 -b "$1" -F raw "$2"`,
		"encrypted":                   `qemu-img create -q -f qcow2 --object secret,id=s,data=abc -o encrypt.format=luks,encrypt.key-secret=s,encrypt.iter-time=10 "$2" 1M`,
		"features 0x10":               `qemu-img convert -O qcow2 -o extended_l2=on,cluster_size=128k "$1" "$2"`,
		"features 0x4":                `qemu-img create -q -f qcow2 -o data_file="$2.data" "$2" 1M`,
		"VMware":                      `qemu-img convert -O vmdk "$1" "$2"`,
		"VirtualBox":                  `qemu-img convert -O vdi "$1" "$2"`,
		"VHDX":                        `qemu-img convert -O vhdx "$1" "$2"`,
		"VHD disk":                    `qemu-img convert -O vpc "$1" "$2"`,
		"a web page":                  `echo '<!DOCTYPE html><p>Moved' >"$2"`,
		"it is empty":                 `: >"$2"`,
		"packed twice":                `gzip -c "$1" | xz >"$2"`,
		"its disk has":                `qemu-img create -q -f qcow2 "$2" 2T`,
	} {
		t.Run(why, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "odd")
			tool(t, "bash", "-ec", script, "bash", raw, path)
			s := newStore(t)
			_, err := s.Import(t.Context(), Origin{Path: path})
			require.ErrorIs(t, err, ErrFormat)
			require.ErrorContains(t, err, why)
			requireEmpty(t, s)
		})
	}
}

func TestAFileThatWasCutOffLeavesNothing(t *testing.T) {
	t.Parallel()
	raw := file(t, "disk.raw", content(4, 2<<20))
	for _, name := range []string{"gzip", "xz", "bzip2", "zstd", "qcow2 version 3", "qcow2, deflated", "qcow2, zstd"} {
		packed := filepath.Join(t.TempDir(), "packed")
		tool(t, "bash", "-ec", packers[name], "bash", raw, packed)
		info, err := os.Stat(packed)
		require.NoError(t, err)
		for _, part := range []int64{2, 10, 30, 60, 90} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				whole, err := os.ReadFile(packed)
				require.NoError(t, err)
				s := newStore(t)
				_, err = s.Import(t.Context(), Origin{Path: file(t, "cut", whole[:info.Size()*part/100])})
				require.Error(t, err)
				if name == "qcow2 version 3" {
					require.True(t, errors.Is(err, ErrFormat) || errors.Is(err, io.ErrUnexpectedEOF), err)
				}
				requireEmpty(t, s)
			})
		}
	}
}

func TestAFileIsNotParsedBeforeItsChecksumHolds(t *testing.T) {
	t.Parallel()
	disk := content(5, 1<<20)
	good := sha512.Sum512(disk)
	s := newStore(t)
	_, err := s.Import(t.Context(), Origin{Path: file(t, "disk.raw", disk), Sum: Checksum(hex.EncodeToString(good[:]))})
	require.NoError(t, err)

	s = newStore(t)
	broken := append([]byte("QFI\xfb"), disk[4:]...) // would be a format error if anybody looked
	_, err = s.Import(t.Context(), Origin{Path: file(t, "disk.raw", broken), Sum: Checksum(hex.EncodeToString(good[:]))})
	require.ErrorIs(t, err, ErrChecksum)
	require.NotErrorIs(t, err, ErrFormat)
	requireEmpty(t, s)
}

func requireEmpty(t *testing.T, s *Store) {
	t.Helper()
	entries, err := os.ReadDir(s.folder)
	require.NoError(t, err)
	require.Empty(t, entries)
}
