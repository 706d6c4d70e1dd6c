package seed

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"unicode/utf16"
)

// table is a GUID partition table (UEFI 2.10, section 5.3). Whatever of it is
// not ours stays as it is, byte for byte.
type table struct {
	header  []byte // its meaning part, 92 bytes or more
	entries []byte
}

// Places in the header.
const (
	atHeaderSize   = 12
	atHeaderSum    = 16
	atOwn          = 24
	atOther        = 32
	atFirstUsable  = 40
	atLastUsable   = 48
	atEntries      = 72
	atEntryCount   = 80
	atEntrySize    = 84
	atEntriesSum   = 88
	headerMin      = 92
	entryMin       = 128
	entriesLargest = 1 << 20 // 128 entries of 128 bytes are what there is
)

// Places in an entry.
const (
	atType  = 0
	atGUID  = 16
	atFirst = 32
	atLast  = 40
	atName  = 56
	nameLen = 72
)

var (
	le        = binary.LittleEndian
	signature = []byte("EFI PART")
	errNoGPT  = errors.New("the image has no GUID partition table for sectors of this size: its seed has no place")
)

func readTable(d *disk) (*table, error) {
	sector, err := d.readSectors(1, 1)
	if err != nil {
		return nil, err
	}
	size := le.Uint32(sector[atHeaderSize:])
	if !bytes.HasPrefix(sector, signature) || size < headerMin || int64(size) > d.sector {
		return nil, errNoGPT
	}
	t := &table{header: sector[:size]}
	if le.Uint32(t.header[atHeaderSum:]) != t.headerSum() {
		return nil, errors.New("the image's partition table: the checksum of its header is wrong")
	}
	n := int64(t.count()) * int64(t.entrySize())
	if t.entrySize() < entryMin || n <= 0 || n > entriesLargest {
		return nil, fmt.Errorf("the image's partition table: %d entries of %d bytes", t.count(), t.entrySize())
	}
	t.entries, err = d.readSectors(t.at(atEntries), ceil(n, d.sector))
	if err != nil {
		return nil, err
	}
	if t.entries = t.entries[:n]; crc32.ChecksumIEEE(t.entries) != le.Uint32(t.header[atEntriesSum:]) {
		return nil, errors.New("the image's partition table: the checksum of its entries is wrong")
	}
	return t, nil
}

func ceil(n, unit int64) int64 { return (n + unit - 1) / unit }

func (t *table) at(place int) int64     { return int64(le.Uint64(t.header[place:])) }
func (t *table) set(place int, v int64) { le.PutUint64(t.header[place:], uint64(v)) }
func (t *table) count() int             { return int(le.Uint32(t.header[atEntryCount:])) }
func (t *table) entrySize() int         { return int(le.Uint32(t.header[atEntrySize:])) }
func (t *table) entry(i int) []byte     { return t.entries[i*t.entrySize():][:t.entrySize()] }

func (t *table) headerSum() uint32 {
	bare := bytes.Clone(t.header)
	le.PutUint32(bare[atHeaderSum:], 0)
	return crc32.ChecksumIEEE(bare)
}

func used(entry []byte) bool { return !bytes.Equal(entry[:16], make([]byte, 16)) }

func name(entry []byte) string {
	units := make([]uint16, nameLen/2)
	for i := range units {
		units[i] = le.Uint16(entry[atName+2*i:])
	}
	return string(bytes.TrimRight([]byte(string(utf16.Decode(units))), "\x00"))
}

func setName(entry []byte, name string) {
	clear(entry[atName : atName+nameLen])
	for i, unit := range utf16.Encode([]rune(name)) {
		le.PutUint16(entry[atName+2*i:], unit)
	}
}

// stretch moves the backup to the disk's end, so that what is behind the image
// can be used.
func (t *table) stretch(d *disk) error {
	last := d.sectors() - 1
	room := ceil(int64(len(t.entries)), d.sector)
	if t.at(atOther) > last {
		return errors.New("the image's partition table is for a larger disk")
	}
	t.set(atOther, last)
	t.set(atLastUsable, last-room-1)
	return nil
}

// store writes the backup first: at every moment one of the two is whole.
func (t *table) store(d *disk) error {
	le.PutUint32(t.header[atEntriesSum:], crc32.ChecksumIEEE(t.entries))
	last := t.at(atOther)
	backup := &table{header: bytes.Clone(t.header), entries: t.entries}
	backup.set(atOwn, last)
	backup.set(atOther, 1)
	backup.set(atEntries, last-ceil(int64(len(t.entries)), d.sector))
	for _, one := range []*table{backup, t} {
		if err := one.storeOne(d); err != nil {
			return err
		}
		if err := d.Sync(); err != nil {
			return err
		}
	}
	return protect(d)
}

func (t *table) storeOne(d *disk) error {
	entries := make([]byte, ceil(int64(len(t.entries)), d.sector)*d.sector)
	copy(entries, t.entries)
	if err := d.writeSectors(entries, t.at(atEntries)); err != nil {
		return err
	}
	le.PutUint32(t.header[atHeaderSum:], t.headerSum())
	header := make([]byte, d.sector)
	copy(header, t.header)
	return d.writeSectors(header, t.at(atOwn))
}

// protect stretches the partition of the MBR that keeps old programs off the
// disk. Boot code and the partitions of a hybrid MBR stay.
func protect(d *disk) error {
	mbr, err := d.readSectors(0, 1)
	if err != nil {
		return err
	}
	const partition, kind, first, length, protective = 446, 4, 8, 12, 0xEE
	if p := mbr[partition:]; p[kind] == protective && le.Uint32(p[first:]) == 1 {
		le.PutUint32(p[length:], uint32(min(d.sectors()-1, 1<<32-1)))
		if err := d.writeSectors(mbr, 0); err != nil {
			return err
		}
	}
	return d.Sync()
}
