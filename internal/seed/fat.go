package seed

import (
	"fmt"
	"hash/crc32"
	"strings"
	"unicode/utf16"

	"millwright/internal/metal"
)

// fat is a file system of FAT16 with long names (Microsoft, FAT: General
// Overview of On-Disk Format, 1.03). ISO 9660 would be simpler, and cannot be
// read from disks with sectors of 4096 bytes.
type fat struct {
	sector, cluster int64
	sectors         int64 // of the partition
	table           []byte
	root            []byte
	data            []byte // from the first cluster on, as far as it is used
}

const (
	fatReserved  = 1
	fatCopies    = 2
	fatRoot      = 512 * 32 // bytes of the root folder, whose size is fixed
	fatCluster   = 4 << 10  // 8,000 clusters in 32 MiB; FAT16 has 4,085 to 65,524
	fatFirst     = 2        // number of the first cluster
	fatEnd       = 0xFFFF
	fatAttribute = 11
)

// formatFAT gives the bytes that a partition begins with; what follows need not
// be written.
func formatFAT(s metal.Seed, sectors, sector, hidden int64) ([]byte, error) {
	f := &fat{sector: sector, cluster: fatCluster, sectors: sectors, root: make([]byte, 0, fatRoot)}
	f.table = make([]byte, f.tableSectors()*sector)
	le.PutUint16(f.table, 0xFFF8)
	le.PutUint16(f.table[2:], fatEnd)
	if err := f.label(s.Label); err != nil {
		return nil, err
	}
	for i, file := range s.Files {
		if err := f.add(i, file); err != nil {
			return nil, err
		}
	}
	return f.bytes(s.Label, hidden), nil
}

// tableSectors is generous: a table of all the partition's clusters.
func (f *fat) tableSectors() int64 {
	return ceil((f.sectors*f.sector/f.cluster+fatFirst)*2, f.sector)
}

func (f *fat) start() int64 {
	return (fatReserved + fatCopies*f.tableSectors() + fatRoot/f.sector) * f.sector
}

func (f *fat) room() int64 { return (f.sectors*f.sector - f.start()) / f.cluster * f.cluster }

func (f *fat) label(label string) error {
	if label == "" || len(label) > 11 || strings.ToUpper(label) != label || !plain(label) {
		return fmt.Errorf("seed: label %q: want 1 to 11 of A-Z 0-9 - _", label)
	}
	entry := make([]byte, 32)
	copy(entry, fmt.Sprintf("%-11s", label))
	entry[fatAttribute] = 0x08 // volume ID
	stamp(entry)
	f.root = append(f.root, entry...)
	return nil
}

// plain are names that mean the same everywhere.
func plain(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' || r == '.')
	})
}

// stamp sets the oldest date there is: the same seed is the same bytes.
func stamp(entry []byte) {
	const day = 1<<5 | 1 // 1 January 1980
	for _, at := range []int{16, 18, 24} {
		le.PutUint16(entry[at:], day)
	}
}

// add puts a file behind those that are there.
func (f *fat) add(i int, file metal.File) error {
	if file.Path == "" || len(file.Path) > 100 || !plain(file.Path) {
		return fmt.Errorf("seed: file %q: want a name of at most 100 of a-z A-Z 0-9 . - _", file.Path)
	}
	short := fmt.Sprintf("F%07d   ", i) // never seen where long names are known
	entries := append(longName(file.Path, short), make([]byte, 32)...)
	entry := entries[len(entries)-32:]
	copy(entry, short)
	entry[fatAttribute] = 0x20 // to be archived
	stamp(entry)
	le.PutUint32(entry[28:], uint32(len(file.Body)))
	le.PutUint16(entry[26:], f.store(file.Body))
	if f.root = append(f.root, entries...); len(f.root) > fatRoot {
		return fmt.Errorf("seed: %d files are too many", i+1)
	}
	if int64(len(f.data)) > f.room() {
		return fmt.Errorf("seed: its files have more than %d bytes", f.room())
	}
	return nil
}

// store gives the first cluster of a body, 0 for an empty one.
func (f *fat) store(body []byte) uint16 {
	n := ceil(int64(len(body)), f.cluster)
	if n == 0 || int64(len(f.data))+n*f.cluster > f.room() {
		f.data = append(f.data, body...) // too much: add says so
		return 0
	}
	first := fatFirst + int64(len(f.data))/f.cluster
	for c := first; c < first+n; c++ {
		le.PutUint16(f.table[2*c:], uint16(c+1))
	}
	le.PutUint16(f.table[2*(first+n-1):], fatEnd)
	f.data = append(append(f.data, body...), make([]byte, n*f.cluster-int64(len(body)))...)
	return uint16(first)
}

// longName are the entries before the short one, the last part first.
func longName(name, short string) (entries []byte) {
	units := append(utf16.Encode([]rune(name)), 0)
	for len(units)%13 != 0 {
		units = append(units, 0xFFFF)
	}
	if name := utf16.Encode([]rune(name)); len(name)%13 == 0 {
		units = name // one that fills its entries has no end
	}
	var sum byte
	for i := range 11 {
		sum = sum>>1 | sum<<7
		sum += short[i]
	}
	for part := len(units)/13 - 1; part >= 0; part-- {
		entry := make([]byte, 32)
		if entry[0] = byte(part + 1); part == len(units)/13-1 {
			entry[0] |= 0x40
		}
		entry[fatAttribute], entry[13] = 0x0F, sum
		for i, at := range []int{1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30} {
			le.PutUint16(entry[at:], units[13*part+i])
		}
		entries = append(entries, entry...)
	}
	return entries
}

// bytes are the boot sector, both tables, the root folder and the files.
func (f *fat) bytes(label string, hidden int64) []byte {
	all := make([]byte, f.start(), f.start()+int64(len(f.data)))
	f.bootSector(all, label, hidden)
	for i := range int64(fatCopies) {
		copy(all[(fatReserved+i*f.tableSectors())*f.sector:], f.table)
	}
	copy(all[(fatReserved+fatCopies*f.tableSectors())*f.sector:], f.root)
	return append(all, f.data...)
}

func (f *fat) bootSector(b []byte, label string, hidden int64) {
	copy(b, "\xEB\xFE\x90MILLWRIG") // a jump to itself: nobody boots this
	le.PutUint16(b[11:], uint16(f.sector))
	b[13] = byte(f.cluster / f.sector)
	le.PutUint16(b[14:], fatReserved)
	b[16] = fatCopies
	le.PutUint16(b[17:], fatRoot/32)
	b[21] = 0xF8 // a fixed disk
	le.PutUint16(b[22:], uint16(f.tableSectors()))
	le.PutUint16(b[24:], 63) // sectors of a track and heads, which nothing has any more
	le.PutUint16(b[26:], 255)
	le.PutUint32(b[28:], uint32(hidden))
	if f.sectors < 1<<16 {
		le.PutUint16(b[19:], uint16(f.sectors))
	} else {
		le.PutUint32(b[32:], uint32(f.sectors))
	}
	b[36], b[38] = 0x80, 0x29
	le.PutUint32(b[39:], crc32.ChecksumIEEE(f.data)) // the volume's ID
	copy(b[43:], fmt.Sprintf("%-11s", label))
	copy(b[54:], "FAT16   ")
	b[510], b[511] = 0x55, 0xAA
}
