package machine

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"sync"

	"millwright/internal/metal"
)

// Disk is a drive in memory. It keeps the bytes that were written to it, of
// the image and of the first-boot configuration, until it is erased.
type Disk struct {
	serial string
	size   int64 // in bytes; none of them takes memory until it is written to

	mu     sync.Mutex
	image  []byte // whatever was written, from the first byte
	whole  bool   // the image was written to its end
	sum    string // of image; computed when somebody asks
	config []byte // the installed system's first-boot configuration, as a file
}

// Bootable reports whether firmware finds a system that starts.
func (d *Disk) Bootable() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.whole
}

// begin overwrites whatever begins the disk; from here on the old system does
// not start any more.
func (d *Disk) begin() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.image, d.whole, d.sum, d.config = nil, false, "", nil
}

// write puts a piece where it belongs; what lies before it and was never
// written reads as zeros.
func (d *Disk) write(offset int64, piece []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if missing := offset + int64(len(piece)) - int64(len(d.image)); missing > 0 {
		d.image = append(d.image, make([]byte, missing)...)
	}
	copy(d.image[offset:], piece)
	d.sum = ""
}

func (d *Disk) finish() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.whole = true
}

// erase empties the disk.
func (d *Disk) erase() { d.begin() }

// left is how many bytes can be read that are not zero: what an erase must
// have brought to none.
func (d *Disk) left() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.image) + len(d.config)
}

// read gives a part of the image back.
func (d *Disk) read(offset int64, length int) []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	start := min(offset, int64(len(d.image)))
	return append([]byte(nil), d.image[start:min(start+int64(length), int64(len(d.image)))]...)
}

// digestLocked remembers its result: a thousand disks are shown at each look
// at the lab, and hardly one of them changed.
func (d *Disk) digestLocked() string {
	if d.sum == "" && len(d.image) > 0 {
		sum := sha256.Sum256(d.image)
		d.sum = hex.EncodeToString(sum[:])
	}
	return d.sum
}

func (d *Disk) configure(first metal.FirstBoot) error {
	text, err := json.Marshal(first)
	if err != nil {
		return fmt.Errorf("disk %s: write the first-boot configuration: %w", d.serial, err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.config = text
	return nil
}

// firstBoot is what the installed system reads of itself; nil where nobody
// configured it.
func (d *Disk) firstBoot() *metal.FirstBoot {
	d.mu.Lock()
	defer d.mu.Unlock()
	var first metal.FirstBoot
	if json.Unmarshal(d.config, &first) != nil {
		return nil
	}
	return &first
}

// State is what is on the disk.
func (d *Disk) State() DiskState {
	first := d.firstBoot()
	d.mu.Lock()
	defer d.mu.Unlock()
	return DiskState{
		Serial: d.serial, Empty: len(d.image)+len(d.config) == 0, Bytes: len(d.image),
		SHA256: d.digestLocked(), Bootable: d.whole, FirstBoot: first,
	}
}
