package drive

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
)

// SCSI's operation codes (SPC-5, SBC-4).
const (
	scsiRequestSense  = 0x03
	scsiInquiry       = 0x12
	scsiSanitize      = 0x48
	scsiServiceIn16   = 0x9e // with service action 0x10: READ CAPACITY (16)
	scsiMaintenanceIn = 0xa3 // with service action 0x0c: REPORT SUPPORTED OPERATION CODES
	ataPassThrough16  = 0x85 // SAT-4 12.2.3
)

const checkCondition = 0x02

// sense is why a command did not simply succeed (SPC-5 4.4).
type sense struct {
	key, code, qualifier byte
	progress             int // per cent, -1 where there is none
}

// Sense keys.
const (
	keyNotReady       = 0x2
	keyMedium         = 0x3
	keyIllegalRequest = 0x5
)

func parseSense(b []byte) sense {
	s := sense{progress: -1}
	if len(b) < 8 {
		return s
	}
	switch b[0] & 0x7f {
	case 0x70, 0x71: // fixed format; sense key specific bytes are 15 to 17
		s.key = b[2] & 0xf
		if len(b) >= 14 {
			s.code, s.qualifier = b[12], b[13]
		}
		if len(b) >= 18 && b[15]&0x80 != 0 {
			s.progress = int(binary.BigEndian.Uint16(b[16:])) * 100 / 65536
		}
	case 0x72, 0x73: // descriptors; type 2 is sense key specific
		s.key, s.code, s.qualifier = b[1]&0xf, b[2], b[3]
		if d := descriptor(b, 2, 8); d != nil && d[4]&0x80 != 0 {
			s.progress = int(binary.BigEndian.Uint16(d[5:])) * 100 / 65536
		}
	}
	return s
}

// descriptor finds one of a type that is at least size bytes long.
func descriptor(b []byte, kind byte, size int) []byte {
	end := min(len(b), 8+int(b[7]))
	for at := 8; at+2 <= end; at += 2 + int(b[at+1]) {
		if b[at] == kind && at+size <= end {
			return b[at : at+size]
		}
	}
	return nil
}

// Error says the three numbers by which the tables of SPC are read.
func (s sense) Error() string {
	return fmt.Sprintf("SCSI sense %x/%02x/%02x", s.key, s.code, s.qualifier)
}

// Is makes ILLEGAL REQUEST an errRefused: such a command has changed nothing.
func (s sense) Is(target error) bool {
	return target == errRefused && s.key == keyIllegalRequest || target == ErrMedia && s.key == keyMedium
}

// ask sends a command, and makes of a bad end an error.
func ask(ctx context.Context, b bus, c scsiCommand) error {
	reply, err := b.Send(ctx, c)
	switch {
	case err != nil:
		return err
	case reply.Status == checkCondition:
		return parseSense(reply.Sense)
	case reply.Status != 0:
		return fmt.Errorf("SCSI status %#02x", reply.Status)
	}
	return nil
}

// unit is a SCSI disk.
type unit struct {
	handle
	size   int64
	serial string
	zeroes bool // what is unmapped reads as zero
}

func openUnit(ctx context.Context, h handle, disk Disk) (*unit, error) {
	capacity := make([]byte, 32)
	block := make([]byte, 16)
	block[0], block[1], block[13] = scsiServiceIn16, 0x10, byte(len(capacity))
	if err := ask(ctx, h, scsiCommand{Block: block, In: capacity, Timeout: askTimeout}); err != nil {
		return nil, fmt.Errorf("read the capacity: %w", err)
	}
	size := int64(binary.BigEndian.Uint64(capacity)+1) * int64(binary.BigEndian.Uint32(capacity[8:]))
	if size != disk.Size {
		return nil, fmt.Errorf("the disk has %s, but the kernel says %s: list the disks again", human(size), human(disk.Size))
	}
	serial, err := unitSerial(ctx, h)
	if err != nil {
		return nil, fmt.Errorf("read the serial: %w", err)
	}
	const lbpme, lbprz = 1 << 7, 1 << 6
	zeroes := capacity[14]&(lbpme|lbprz) == lbpme|lbprz
	return &unit{h, size, serial, zeroes}, samePlace(disk, serial)
}

// unitSerial is page 80h (SPC-5 7.7.20). A disk without that page has none.
func unitSerial(ctx context.Context, h handle) (string, error) {
	page := make([]byte, 252)
	inquiry := []byte{scsiInquiry, 1, 0x80, 0, byte(len(page)), 0}
	err := ask(ctx, h, scsiCommand{Block: inquiry, In: page, Timeout: askTimeout})
	if errors.Is(err, errRefused) {
		return "", nil
	}
	return printable(page[4:min(len(page), 4+int(page[3]))]), err
}

// zeroing says that unmapped blocks read as zero.
func (u *unit) zeroing() bool { return u.zeroes }

// Service actions of SANITIZE (SBC-4 5.30).
var unitSanitizes = []struct {
	name   string
	action byte
}{
	{"SCSI sanitize, cryptographic erase", 0x03},
	{"SCSI sanitize, block erase", 0x02},
}

// methods are those of which the disk says that it knows the command.
func (u *unit) methods(ctx context.Context, quick bool) ([]method, []string) {
	if quick {
		return nil, nil
	}
	var all []method
	for _, s := range unitSanitizes {
		if !u.knows(ctx, s.action) {
			continue
		}
		all = append(all, method{name: s.name, purges: true, run: func(ctx context.Context, p Progress) error {
			return u.sanitize(ctx, s.action, p)
		}})
	}
	return all, nil
}

// knows asks for one operation code with its service action (SPC-5 6.35): 3 in
// SUPPORT says that it is implemented as the standard has it.
func (u *unit) knows(ctx context.Context, action byte) bool {
	answer := make([]byte, 64)
	const oneWithAction = 2
	block := []byte{scsiMaintenanceIn, 0x0c, oneWithAction, scsiSanitize, 0, action, 0, 0, 0, byte(len(answer)), 0, 0}
	err := ask(ctx, u, scsiCommand{Block: block, In: answer, Timeout: askTimeout})
	return err == nil && answer[1]&7 == 3
}

// sanitize starts one that returns at once, and follows it.
func (u *unit) sanitize(ctx context.Context, action byte, progress Progress) error {
	const immediately = 1 << 7
	block := []byte{scsiSanitize, immediately | action, 0, 0, 0, 0, 0, 0, 0, 0}
	if err := ask(ctx, u, scsiCommand{Block: block, Timeout: askTimeout}); err != nil {
		return err
	}
	return u.follow(ctx, progress)
}

// sanitizing is NOT READY, SANITIZE IN PROGRESS (04h/1Bh).
func (s sense) sanitizing() bool {
	return s.key == keyNotReady && s.code == 0x04 && s.qualifier == 0x1b
}

// sanitizeFailed is MEDIUM ERROR, SANITIZE COMMAND FAILED (31h/03h).
func (s sense) sanitizeFailed() bool { return s.code == 0x31 && s.qualifier == 0x03 }

func (u *unit) follow(ctx context.Context, progress Progress) error {
	return poll(ctx, deadline(0, u.size), func() (bool, error) {
		state, err := u.state(ctx)
		switch {
		case err != nil:
			return false, err
		case state.sanitizeFailed():
			return false, unproven("the disk says that sanitizing failed: replace it: %w", state)
		case state.sanitizing():
			progress.tell("sanitize", max(state.progress, 0))
			return false, nil
		}
		return true, u.ready(ctx)
	})
}

// state is what REQUEST SENSE answers: it may say how far a sanitize is without
// any command failing.
func (u *unit) state(ctx context.Context) (sense, error) {
	answer := make([]byte, 64)
	err := ask(ctx, u, scsiCommand{
		Block: []byte{scsiRequestSense, 0, 0, 0, byte(len(answer)), 0}, In: answer, Timeout: askTimeout,
	})
	if err != nil {
		return sense{}, fmt.Errorf("ask how far the disk is: %w", err)
	}
	return parseSense(answer), nil
}

// unitAttention is news (a reset, a change of the medium), told once.
const unitAttention = 0x6

// ready holds that the disk takes commands again. The first answer may be news.
func (u *unit) ready(ctx context.Context) error {
	var last error
	for range 5 {
		last = ask(ctx, u, scsiCommand{Block: make([]byte, 6), Timeout: askTimeout})
		var s sense
		if !errors.As(last, &s) || s.key != unitAttention {
			break
		}
	}
	if last != nil {
		return fmt.Errorf("the disk is not ready after its sanitize: %w", last)
	}
	return nil
}

// recover waits for a sanitize that an earlier boot began.
func (u *unit) recover(ctx context.Context, progress Progress) (string, error) {
	state, err := u.state(ctx)
	if err != nil || !state.sanitizing() && !state.sanitizeFailed() {
		return "", err
	}
	return "SCSI sanitize, begun by an earlier boot", u.follow(ctx, progress)
}
