package inventory

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// entry is one SMBIOS structure as DSP0134 6.1 lays it out.
func entry(kind byte, size int, put func(b []byte), texts ...string) []byte {
	b := make([]byte, size)
	b[0], b[1] = kind, byte(size)
	put(b)
	for _, text := range texts {
		b = append(append(b, text...), 0)
	}
	if len(texts) == 0 {
		b = append(b, 0)
	}
	return append(b, 0)
}

func module(size uint16, extended uint32) []byte {
	return entry(typeMemoryDevice, 0x54, func(b []byte) {
		binary.LittleEndian.PutUint16(b[0x0c:], size)
		binary.LittleEndian.PutUint32(b[0x1c:], extended)
		binary.LittleEndian.PutUint16(b[0x15:], 3200)
		binary.LittleEndian.PutUint16(b[0x20:], 2933)
		b[0x10], b[0x17], b[0x18], b[0x1a] = 1, 2, 3, 4
	}, "A1", "Samsung", "03A1", "M393A4K40CB2 ")
}

func tables() []byte {
	var b []byte
	b = append(b, entry(typeBIOS, 0x18, func(b []byte) { b[4], b[5], b[8] = 1, 2, 3 }, "Dell Inc.", "2.12.2", "07/09/2021")...)
	b = append(b, entry(typeSystem, 0x1b, func(b []byte) {
		b[4], b[5], b[7] = 1, 2, 3
		copy(b[8:], []byte{0x33, 0x22, 0x11, 0x00, 0x55, 0x44, 0x77, 0x66, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff})
	}, "Dell Inc.", "PowerEdge R640", "ABC1234")...)
	b = append(b, entry(32, 11, func([]byte) {})...) // has no strings
	b = append(b, module(16384, 0)...)
	b = append(b, module(0, 0)...) // an empty slot
	b = append(b, module(0x7fff, 65536)...)
	b = append(b, entry(typeEnd, 4, func([]byte) {})...)
	return append(b, module(1024, 0)...) // lies after the end
}

func TestTheFirmwareTablesNameMachineAndModules(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	dir := filepath.Join(root, "sys/firmware/dmi/tables")
	require.NoError(t, os.MkdirAll(dir, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "DMI"), tables(), 0o600))
	found := Read(t.Context(), root)
	require.Equal(t, BIOS{"Dell Inc.", "2.12.2", "07/09/2021"}, found.BIOS)
	require.Equal(t, System{"Dell Inc.", "PowerEdge R640", "ABC1234", "00112233-4455-6677-8899-aabbccddeeff"}, found.System)
	small := DIMM{Slot: "A1", Size: 16 << 30, Speed: 2933, Maker: "Samsung", Part: "M393A4K40CB2", Serial: "03A1"}
	large := small
	large.Size = 64 << 30
	require.Equal(t, Memory{Total: 80 << 30, DIMMs: []DIMM{small, large}}, found.Memory)
}

func TestTablesThatBreakOffKeepWhatCameBefore(t *testing.T) {
	t.Parallel()
	whole := tables()
	for size := range len(whole) {
		short := append([]byte(nil), whole[:size]...)
		require.LessOrEqual(t, len(structures(short[:size:size])), len(structures(whole)))
	}
	require.Len(t, structures(whole[:100]), 2)
}

// What SeaBIOS of QEMU 7.2 left in a machine that was started with -smbios of
// types 0, 1 and 17, read there from /sys/firmware/dmi/tables/DMI.
func TestRecordedFirmwareTablesAreRead(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile("testdata/qemu-7.2-seabios.dmi")
	require.NoError(t, err)
	root := t.TempDir()
	dir := filepath.Join(root, "sys/firmware/dmi/tables")
	require.NoError(t, os.MkdirAll(dir, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "DMI"), content, 0o600))
	found := Read(t.Context(), root)
	require.Equal(t, System{"Dell Inc.", "PowerEdge R640", "ABC1234", "00112233-4455-6677-8899-aabbccddeeff"}, found.System)
	require.Equal(t, BIOS{"Dell Inc.", "2.12.2", "07/09/2021"}, found.BIOS)
	module := DIMM{Slot: "DIMM_ 0", Size: 1 << 30, Speed: 2933, Maker: "Samsung", Part: "M393A4K40CB2", Serial: "03A1"}
	require.Equal(t, Memory{1 << 30, []DIMM{module}}, found.Memory)
}

func FuzzFirmwareTablesAreReadWithoutHarm(f *testing.F) {
	f.Add(tables())
	f.Add(tables()[:100])
	f.Fuzz(func(t *testing.T, b []byte) {
		r := &reader{}
		for _, s := range structures(b) {
			require.GreaterOrEqual(t, len(s.formatted), 4)
			for _, text := range s.strings {
				require.NotContains(t, text, "\x00")
			}
			s.uuid(8)
			r.module(s)
		}
		require.GreaterOrEqual(t, r.found.Memory.Total, int64(0))
	})
}
