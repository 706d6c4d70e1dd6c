package drive

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"
)

// The admin commands that we send (NVMe base 2.0, fig. 138).
const (
	nvmeGetLog   = 0x02
	nvmeIdentify = 0x06
	nvmeFormat   = 0x80
	nvmeSanitize = 0x84
)

// What Identify is asked for (base 2.0, fig. 274), and log pages (fig. 202).
const (
	identifyNamespace  = 0x00
	identifyController = 0x01
	identifyActive     = 0x02 // the list of active namespaces
	logHealth          = 0x02
	logSanitize        = 0x81
)

// everyNamespace addresses the controller as a whole.
const everyNamespace = 0xffffffff

// askTimeout is for commands that only read a register or a table. Disks that
// were asleep take up to 30 s to spin up.
const askTimeout = time.Minute

// nvmeStatus is a command's status: the type in bits 10:8, the code below
// (base 2.0, 3.3.3.2.1).
type nvmeStatus uint16

const (
	statusSanitizeFailed  nvmeStatus = 0x01c
	statusSanitizeRunning nvmeStatus = 0x01d
)

// refusals are statuses of a command that has changed nothing (base 2.0, fig. 94
// and 95): of others, such as Internal Error, that is not known.
var refusals = map[nvmeStatus]string{
	0x001: "invalid opcode",
	0x002: "invalid field",
	0x00b: "invalid namespace or format",
	0x015: "operation denied",
	0x020: "namespace is write protected",
	0x023: "firmware activation needed first",
	0x028: "prohibited by command and feature lockdown",
	0x10a: "invalid format",
	0x10b: "firmware activation needs a reset first",
	0x286: "access denied",
}

// Error is the status in words where there are some.
func (s nvmeStatus) Error() string {
	if words, ok := refusals[s]; ok {
		return fmt.Sprintf("NVMe status %#03x, %s", uint16(s), words)
	}
	return fmt.Sprintf("NVMe status %#03x", uint16(s))
}

// Is makes a refusal an errRefused.
func (s nvmeStatus) Is(target error) bool {
	_, refusal := refusals[s]
	return refusal && target == errRefused
}

// namespace is an NVMe disk: a namespace and its controller.
type namespace struct {
	handle
	controller []byte // Identify Controller, base 2.0 fig. 275
	self       []byte // Identify Namespace, NVM command set 1.0 fig. 97
	id         uint32
	alone      bool // the controller's only namespace
}

// identifySize is what every Identify returns.
const identifySize = 4096

func identify(ctx context.Context, a admin, what, id uint32) ([]byte, error) {
	page := make([]byte, identifySize)
	_, err := a.Admin(ctx, nvmeCommand{
		Opcode: nvmeIdentify, Namespace: id, CDW10: what, Data: page, Timeout: askTimeout,
	})
	if err != nil {
		return nil, fmt.Errorf("identify %d of namespace %d: %w", what, id, err)
	}
	return page, nil
}

// openNamespace asks the disk who it is, and holds that against the listing: a
// name such as nvme0n1 may have moved to another disk since.
func openNamespace(ctx context.Context, h handle, disk Disk) (*namespace, error) {
	n := &namespace{handle: h}
	var err error
	if n.controller, err = identify(ctx, h, identifyController, 0); err != nil {
		return nil, err
	}
	active, err := identify(ctx, h, identifyActive, 0)
	if err != nil {
		return nil, err
	}
	n.alone = binary.LittleEndian.Uint32(active[4:]) == 0
	if n.id, err = h.NamespaceID(); err != nil {
		return nil, fmt.Errorf("ask the kernel for the namespace's number: %w", err)
	}
	if n.self, err = identify(ctx, h, identifyNamespace, n.id); err != nil {
		return nil, err
	}
	return n, samePlace(disk, n.serial())
}

// serial is bytes 23:04 of Identify Controller.
func (n *namespace) serial() string { return printable(n.controller[4:24]) }

// samePlace says whether a disk that calls itself so is the one that was listed.
func samePlace(disk Disk, serial string) error {
	if disk.Serial != "" && serial != "" && serial != disk.Serial {
		return fmt.Errorf("the disk says that its serial is %q: list the disks again", serial)
	}
	return nil
}

// format is the number of the LBA format in use: FLBAS bits 3:0, and 6:5 above.
func (n *namespace) format() uint32 {
	flbas := uint32(n.self[26])
	return flbas&0xf | flbas>>1&0x30
}

// lbads is the logical block size as a power of two, of the format in use.
func (n *namespace) lbads() uint8 {
	return n.self[128+4*n.format()+2] & 0x3f
}

// zeroing says that deallocated blocks read as zero: DLFEAT bits 2:0 are 001b.
func (n *namespace) zeroing() bool { return n.self[33]&7 == 1 }

// methods are what the controller offers, the strongest first.
func (n *namespace) methods(quick bool) ([]method, []string) {
	if quick {
		return n.formats(quick), nil
	}
	if !n.alone {
		note := fmt.Sprintf("not sanitized: the controller has more namespaces than number %d", n.id)
		return n.formats(quick), []string{note}
	}
	var all []method
	offered := binary.LittleEndian.Uint32(n.controller[328:])
	for _, s := range sanitizes {
		if offered&s.offer == 0 {
			continue
		}
		all = append(all, method{
			name: s.name, purges: true, zeroes: s.action == actionOverwrite,
			run: func(ctx context.Context, p Progress) error { return n.sanitize(ctx, s.action, s.estimate, p) },
		})
	}
	return append(all, n.formats(quick)...), nil
}

// formats are the Format NVM commands on offer: OACS bit 1 says that there is
// one, FNA bit 1 that secure erase concerns every namespace, bit 2 that there
// is crypto erase.
func (n *namespace) formats(quick bool) []method {
	const bySecureErase, toAll, hasCrypto = 1 << 1, 1<<0 | 1<<1, 1 << 2
	oacs, fna := binary.LittleEndian.Uint16(n.controller[256:]), n.controller[524]
	if oacs&bySecureErase == 0 || fna&toAll != 0 && !n.alone {
		return nil
	}
	var all []method
	if fna&hasCrypto != 0 {
		all = append(all, method{name: "NVMe format, crypto erase", purges: true, run: n.formatting(2)})
	}
	if !quick {
		all = append(all, method{name: "NVMe format, user data erase", purges: true, run: n.formatting(1)})
	}
	return all
}

// formatTimeout: the standard gives no estimate. A user data erase of flash
// takes minutes at most, because blocks are erased many at once.
const formatTimeout = time.Hour

// formatting formats to the LBA format in use, metadata and protection as they are.
func (n *namespace) formatting(secureErase uint32) func(context.Context, Progress) error {
	return func(ctx context.Context, progress Progress) error {
		format, mset, protection := n.format(), uint32(n.self[26]>>4&1), uint32(n.self[29]&0xf)
		progress.tell("format", 0)
		_, err := n.Admin(ctx, nvmeCommand{
			Opcode: nvmeFormat, Namespace: n.id, Timeout: formatTimeout,
			CDW10: format&0xf | mset<<4 | protection<<5 | secureErase<<9 | format>>4<<12,
		})
		if err != nil {
			return err
		}
		progress.tell("format", 100)
		return nil
	}
}

// log reads a log page: its length travels in doublewords, less one.
func (n *namespace) log(ctx context.Context, id uint32, page []byte) error {
	_, err := n.Admin(ctx, nvmeCommand{
		Opcode: nvmeGetLog, Namespace: everyNamespace, Data: page, Timeout: askTimeout,
		CDW10: id | uint32(len(page)/4-1)<<16,
	})
	if err != nil {
		return fmt.Errorf("read log page %#02x: %w", id, err)
	}
	return nil
}
