package drive

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// Condition is how much longer a disk is to be trusted.
type Condition string

const (
	OK       Condition = "ok"
	Degraded Condition = "degraded" // works; plan its replacement
	Failing  Condition = "failing"  // the disk itself warns, or has lost data
	Unknown  Condition = "unknown"  // says nothing of itself
)

// Health is what a disk says of itself. Numbers that it does not give are nil.
type Health struct {
	Condition    Condition `json:"condition"`
	Reasons      []string  `json:"reasons,omitempty"` // of anything but ok
	UsedPercent  *int      `json:"used_percent,omitempty"`
	MediaErrors  *uint64   `json:"media_errors,omitempty"`
	Reallocated  *uint64   `json:"reallocated_sectors,omitempty"`
	PowerOnHours *uint64   `json:"power_on_hours,omitempty"`
	Celsius      *int      `json:"celsius,omitempty"`
}

// worn: flash that has used this share of its rated writes is replaced at the
// next occasion. The rating is not a limit, and many last twice as long.
const worn = 90

func (h *Health) worse(condition Condition, format string, args ...any) {
	if h.Condition != Failing {
		h.Condition = condition
	}
	h.Reasons = append(h.Reasons, fmt.Sprintf(format, args...))
}

// CheckHealth asks a disk how it is. It only reads, and works on a disk in use.
func CheckHealth(ctx context.Context, disk Disk) (Health, error) {
	if disk.Transport == Virtio || disk.Transport == Other {
		return Health{Condition: Unknown}, nil
	}
	h, err := openToAsk(disk.Path)
	if err != nil {
		return Health{Condition: Unknown}, fmt.Errorf("ask disk %s for its health: %w", disk, err)
	}
	defer h.Close()
	health, err := healthOf(ctx, h, disk)
	if err != nil {
		return Health{Condition: Unknown}, fmt.Errorf("ask disk %s for its health: %w", disk, err)
	}
	return health, nil
}

func healthOf(ctx context.Context, h handle, disk Disk) (Health, error) {
	switch disk.Transport {
	case NVMe:
		return nvmeHealth(ctx, h)
	case SATA:
		return ataHealth(ctx, h)
	case SAS:
		return scsiHealth(ctx, h)
	}
	return Health{Condition: Unknown}, nil
}

// warnings are the bits of Critical Warning (NVMe base 2.0, fig. 207).
var warnings = []struct {
	condition Condition
	words     string
}{
	{Failing, "spare capacity is below its threshold"},
	{Degraded, "temperature is beyond its threshold"},
	{Failing, "reliability is degraded by media or internal errors"},
	{Failing, "medium is read only"},
	{Failing, "backup of volatile memory has failed"},
	{Failing, "persistent memory region is read only"},
}

// nvmeHealth reads log page 02h (base 2.0, fig. 207). Counters are of 16 bytes;
// none has ever passed 8.
func nvmeHealth(ctx context.Context, a admin) (Health, error) {
	page := make([]byte, 512)
	n := namespace{handle: adminOnly{admin: a}}
	if err := n.log(ctx, logHealth, page); err != nil {
		return Health{}, err
	}
	h := Health{Condition: OK}
	for bit, warning := range warnings {
		if page[0]>>bit&1 == 1 {
			h.worse(warning.condition, "%s", warning.words)
		}
	}
	const freezing = 273 // the log is in kelvins; zero is no sensor
	if kelvin := int(binary.LittleEndian.Uint16(page[1:])); kelvin > 0 {
		h.Celsius = new(kelvin - freezing)
	}
	h.UsedPercent = new(int(page[5]))
	h.PowerOnHours = new(binary.LittleEndian.Uint64(page[128:]))
	h.MediaErrors = new(binary.LittleEndian.Uint64(page[160:]))
	h.judge()
	return h, nil
}

// adminOnly is a handle of which only the admin queue is used.
type adminOnly struct {
	admin
	blocks
	bus
}

func (adminOnly) Close() error { return nil }

// judge is what the numbers mean, the same for every kind of disk.
func (h *Health) judge() {
	if h.UsedPercent != nil && *h.UsedPercent >= worn {
		h.worse(Degraded, "%d %% of its rated writes are used", *h.UsedPercent)
	}
	if h.MediaErrors != nil && *h.MediaErrors > 0 {
		h.worse(Degraded, "%d media errors", *h.MediaErrors)
	}
	if h.Reallocated != nil && *h.Reallocated > 0 {
		h.worse(Degraded, "%d sectors reallocated", *h.Reallocated)
	}
}

// SMART's subcommands and the magic of its registers (ACS-3 7.48).
const (
	smartReadData     = 0xd0
	smartReturnStatus = 0xda
	smartMagic        = 0xc24f00 // LBA 23:8
	smartFailing      = 0x2cf400 // what the magic becomes when a threshold is exceeded
)

func ataHealth(ctx context.Context, b bus) (Health, error) {
	status, err := smart(ctx, b, smartReturnStatus, nil)
	if err != nil {
		return Health{}, err
	}
	h := Health{Condition: OK}
	if status.lba&0xffff00 == smartFailing {
		h.worse(Failing, "SMART says that the disk is about to fail")
	}
	page := make([]byte, ataSector)
	if _, err := smart(ctx, b, smartReadData, page); err == nil {
		h.attributes(page)
	}
	h.judge()
	return h, nil
}

// smart is a command of 28 bits, with ATA PASS-THROUGH (12).
func smart(ctx context.Context, b bus, feature byte, in []byte) (ataAnswer, error) {
	const ataPassThrough12, registersBack = 0xa1, 1 << 5
	block := []byte{
		ataPassThrough12, protocolNone << 1, registersBack, feature, 0,
		0, byte(smartMagic >> 8 & 0xff), byte(smartMagic >> 16), 0, ataSmart, 0, 0,
	}
	if in != nil {
		block[1], block[2], block[4] = protocolIn<<1, 2|1<<2|1<<3, 1
	}
	reply, err := b.Send(ctx, scsiCommand{Block: block, In: in, Timeout: 30 * time.Second})
	if err != nil {
		return ataAnswer{}, fmt.Errorf("SMART %#02x: %w", feature, err)
	}
	return readAnswer(ataSmart, reply)
}

// attributes reads the vendors' table: 30 entries of 12 bytes from byte 2, with
// ID, flags, value, worst and six raw bytes. It was never standardised, yet
// these IDs mean the same with every vendor (smartmontools' drivedb).
func (h *Health) attributes(page []byte) {
	for i := range 30 {
		entry := page[2+12*i : 14+12*i]
		raw := binary.LittleEndian.Uint64(entry[4:]) >> 8 & (1<<48 - 1)
		switch entry[0] {
		case 5:
			h.Reallocated = new(raw)
		case 9:
			h.PowerOnHours = new(raw & 0xffffffff) // some count minutes above
		case 187, 198: // reported uncorrectable, offline uncorrectable
			h.MediaErrors = new(max(raw&0xffffffff, value(h.MediaErrors)))
		case 194:
			h.Celsius = new(int(raw & 0xff))
		case 197:
			if raw > 0 {
				h.worse(Degraded, "%d sectors wait to be reallocated", raw)
			}
		case 202, 231, 233: // of flash: the value falls from 100 to what is left
			h.UsedPercent = new(max(100-int(entry[3]), 0))
		}
	}
}

func value(n *uint64) uint64 {
	if n == nil {
		return 0
	}
	return *n
}

// scsiHealth reads the informational exceptions page, 2Fh, of LOG SENSE
// (SPC-5 7.3.10): its code is 5Dh where the disk expects to fail.
func scsiHealth(ctx context.Context, b bus) (Health, error) {
	const logSense, cumulative, exceptions = 0x4d, 1 << 6, 0x2f
	page := make([]byte, 64)
	block := []byte{logSense, 0, cumulative | exceptions, 0, 0, 0, 0, 0, byte(len(page)), 0}
	if err := ask(ctx, b, scsiCommand{Block: block, In: page, Timeout: askTimeout}); errors.Is(err, errRefused) {
		return Health{Condition: Unknown}, nil // has no such page, as virtual disks
	} else if err != nil {
		return Health{}, fmt.Errorf("read log page 2Fh: %w", err)
	}
	h := Health{Condition: OK}
	if page[0]&0x3f != exceptions || page[7] < 4 {
		return Health{Condition: Unknown}, nil
	}
	if page[8] != 0 {
		h.worse(Failing, "the disk expects to fail: %02x/%02x", page[8], page[9])
	}
	const noSensor = 255
	if celsius := page[10]; celsius != 0 && celsius != noSensor {
		h.Celsius = new(int(celsius))
	}
	return h, nil
}
