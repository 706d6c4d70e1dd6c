package seed

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"

	"millwright/internal/metal"
)

// Room is what a disk must have beyond the image: the seed's partition, the
// backup of the partition table, and what aligning costs.
const Room = partitionSize + 2*alignment

const (
	// partitionName is how a partition of ours is found again.
	partitionName = "millwright-seed"
	partitionSize = 32 << 20 // the least that FAT16 has with sectors of 4096 bytes is 16 MiB
	alignment     = 1 << 20
)

// basicData is EBD0A0A2-B9E5-4433-87C0-68B6B72699C7 as it lies on a disk: a
// type that no system mounts by itself.
var basicData = []byte{0xA2, 0xA0, 0xD0, 0xEB, 0xE5, 0xB9, 0x33, 0x44, 0x87, 0xC0, 0x68, 0xB6, 0xB7, 0x26, 0x99, 0xC7}

// Plant makes the seed's partition at the end of a disk and fills it. The disk's
// own last partition can grow up to it.
func Plant(path string, s metal.Seed) (err error) {
	d, err := openDisk(path)
	if err != nil {
		return fmt.Errorf("seed %s: %w", path, err)
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	if err := d.plant(s); err != nil {
		return fmt.Errorf("seed %s: %w", path, err)
	}
	return nil
}

func (d *disk) plant(s metal.Seed) error {
	t, err := readTable(d)
	if err != nil {
		return err
	}
	if err := t.stretch(d); err != nil {
		return err
	}
	entry, err := t.claim(d)
	if err != nil {
		return err
	}
	first, last := int64(le.Uint64(entry[atFirst:])), int64(le.Uint64(entry[atLast:]))
	content, err := formatFAT(s, last-first+1, d.sector, first)
	if err != nil {
		return err
	}
	// Before the table names it: there is never a partition without its content.
	if _, err := d.WriteAt(content, first*d.sector); err != nil {
		return err
	}
	if err := t.store(d); err != nil {
		return err
	}
	return d.reread()
}

// claim gives our partition: the one of an earlier time, or a new one.
func (t *table) claim(d *disk) ([]byte, error) {
	size := partitionSize / d.sector
	first := (t.at(atLastUsable) + 1 - size) / (alignment / d.sector) * (alignment / d.sector)
	var free []byte
	end := t.at(atFirstUsable) - 1
	for i := range t.count() {
		entry := t.entry(i)
		switch {
		case !used(entry):
			if free == nil {
				free = entry
			}
			continue
		case name(entry) == partitionName && bytes.Equal(entry[:16], basicData):
			if int64(le.Uint64(entry[atFirst:])) == first && int64(le.Uint64(entry[atLast:])) == first+size-1 {
				return entry, nil
			}
			return nil, errors.New("the image has a partition " + partitionName + " of its own: make the image without it")
		}
		end = max(end, int64(le.Uint64(entry[atLast:])))
	}
	if first <= end {
		return nil, fmt.Errorf("the disk has %d bytes, of which the image's partitions leave %d at the end, the seed needs %d: choose a larger disk or a smaller image",
			d.size, max(0, (t.at(atLastUsable)-end)*d.sector), int64(partitionSize))
	}
	if free == nil {
		return nil, fmt.Errorf("all %d entries of the image's partition table are used", t.count())
	}
	copy(free[atType:], basicData)
	guid := free[atGUID : atGUID+16]
	_, _ = rand.Read(guid) // never fails, by its documentation
	guid[7], guid[8] = guid[7]&0x0F|0x40, guid[8]&0x3F|0x80
	le.PutUint64(free[atFirst:], uint64(first))
	le.PutUint64(free[atLast:], uint64(first+size-1))
	setName(free, partitionName)
	return free, nil
}
