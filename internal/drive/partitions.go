package drive

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
)

// readPartitions finds where partitions lie, in the tables of GPT (UEFI 2.10,
// 5.3) and MBR. It reads the disk and not sysfs: the kernel may not have looked
// since the table was written. A broken table names no partitions; what it
// pointed to is found no more.
func readPartitions(ctx context.Context, b blocks, disk Disk) ([]place, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	head := buffer(int(min(pieceSize, disk.Size)))
	if n, err := b.ReadAt(head, 0); n < len(head) {
		return nil, fmt.Errorf("read the partition table: %w", named(err))
	}
	found := gptPartitions(head, disk)
	if found == nil {
		found = mbrPartitions(head, disk)
	}
	return found, nil
}

const maxPartitions = 128 // what every tool makes; a table of more is not believed beyond

func gptPartitions(head []byte, disk Disk) []place {
	block := int64(max(disk.LogicalBlock, sectorSize))
	if int64(len(head)) < 2*block+92 || !bytes.Equal(head[block:block+8], []byte("EFI PART")) {
		return nil
	}
	header := head[block:]
	table := int64(binary.LittleEndian.Uint64(header[72:])) * block
	count := min(binary.LittleEndian.Uint32(header[80:]), maxPartitions)
	size := int64(binary.LittleEndian.Uint32(header[84:]))
	var found []place
	for i := range int64(count) {
		at := table + i*size
		if size < 128 || at < 0 || at > int64(len(head))-size {
			break
		}
		entry := head[at:]
		from, last := binary.LittleEndian.Uint64(entry[32:]), binary.LittleEndian.Uint64(entry[40:])
		found = appendPlace(found, from, last-from+1, block, disk.Size)
	}
	return found
}

func mbrPartitions(head []byte, disk Disk) []place {
	if len(head) < 512 || head[510] != 0x55 || head[511] != 0xaa {
		return nil
	}
	var found []place
	for i := range 4 {
		entry := head[446+16*i:]
		from, n := binary.LittleEndian.Uint32(entry[8:]), binary.LittleEndian.Uint32(entry[12:])
		found = appendPlace(found, uint64(from), uint64(n), int64(max(disk.LogicalBlock, sectorSize)), disk.Size)
	}
	return found
}

// appendPlace leaves out what is empty or not on the disk.
func appendPlace(found []place, from, n uint64, block, size int64) []place {
	blocks := uint64(size / block)
	if n == 0 || from == 0 || from >= blocks || n > blocks-from {
		return found
	}
	return append(found, place{int64(from) * block, int64(n) * block})
}
