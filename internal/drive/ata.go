package drive

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// ATA's commands (ACS-4, annex B).
const (
	ataReadNativeMax    = 0x27 // READ NATIVE MAX ADDRESS EXT, until ACS-2
	ataAccessibleMax    = 0x78 // feature 0: GET NATIVE MAX ADDRESS EXT, since ACS-3
	ataDCO              = 0xb1 // feature C2h: DEVICE CONFIGURATION IDENTIFY, until ACS-2
	ataSmart            = 0xb0
	ataSanitize         = 0xb4
	ataIdentify         = 0xec
	ataSetPassword      = 0xf1
	ataUnlock           = 0xf2
	ataErasePrepare     = 0xf3
	ataEraseUnit        = 0xf4
	ataDisablePassword  = 0xf6
	ataSector           = 512
	ataStatusError      = 0x01
	ataErrorAbort       = 0x04
	ataErrorUncorrected = 0x40
)

// taskFile is an ATA command's registers, all of 48 bits.
type taskFile struct {
	command  byte
	features uint16
	count    uint16
	lba      uint64
}

// ataAnswer is the registers after it.
type ataAnswer struct {
	status, error byte
	count         uint16
	lba           uint64
}

// ataError is a command that the disk ended with an error.
type ataError struct {
	command byte
	answer  ataAnswer
}

// Error says what the registers held.
func (e ataError) Error() string {
	return fmt.Sprintf("ATA command %#02x: status %#02x, error %#02x", e.command, e.answer.status, e.answer.error)
}

// Is makes an aborted command an errRefused. It holds for commands that start
// something: of those that do the work themselves the caller knows better.
func (e ataError) Is(target error) bool {
	return target == errRefused && e.answer.error&ataErrorAbort != 0 ||
		target == ErrMedia && e.answer.error&ataErrorUncorrected != 0
}

// Protocols of ATA PASS-THROUGH (SAT-4 table 204).
const (
	protocolNone = 3
	protocolIn   = 4
	protocolOut  = 5
)

// ataDisk is a SATA disk.
type ataDisk struct {
	handle
	words [256]uint16 // IDENTIFY DEVICE, ACS-4 7.12
	bytes int64
}

// exchange sends a command through SAT (SAT-4 12.2.3), with at most one of in
// and out, a sector each.
func exchange(ctx context.Context, b bus, t taskFile, in, out []byte, limit time.Duration) (ataAnswer, error) {
	const extended, registersBack = 1, 1 << 5
	const lengthInCount, inBlocks, fromDevice = 2, 1 << 2, 1 << 3
	block := make([]byte, 16)
	block[0], block[1], block[2] = ataPassThrough16, protocolNone<<1, registersBack
	switch {
	case in != nil:
		block[1], block[2] = protocolIn<<1, lengthInCount|inBlocks|fromDevice
	case out != nil:
		block[1], block[2] = protocolOut<<1, lengthInCount|inBlocks
	}
	block[1] |= extended
	if in != nil || out != nil {
		t.count = 1
	}
	binary.BigEndian.PutUint16(block[3:], t.features)
	binary.BigEndian.PutUint16(block[5:], t.count)
	// The bytes of the address travel in the registers' order: 31:24, 7:0,
	// 39:32, 15:8, 47:40, 23:16.
	for i, shift := range []int{24, 0, 32, 8, 40, 16} {
		block[7+i] = byte(t.lba >> shift)
	}
	const lbaMode = 1 << 6
	block[13], block[14] = lbaMode, t.command
	reply, err := b.Send(ctx, scsiCommand{Block: block, In: in, Out: out, Timeout: limit})
	if err != nil {
		return ataAnswer{}, fmt.Errorf("ATA command %#02x: %w", t.command, err)
	}
	return readAnswer(t.command, reply)
}

func readAnswer(command byte, reply scsiReply) (ataAnswer, error) {
	if reply.Status == 0 && len(reply.Sense) == 0 {
		return ataAnswer{}, nil
	}
	answer, ok := registers(reply.Sense)
	switch {
	case ok && answer.status&ataStatusError != 0:
		return answer, ataError{command, answer}
	case ok:
		return answer, nil
	case reply.Status == 0:
		return ataAnswer{}, nil
	}
	return ataAnswer{}, fmt.Errorf("ATA command %#02x: %w", command, parseSense(reply.Sense))
}

// registers finds the ATA Status Return: a descriptor of type 9 (SAT-4 12.2.6),
// or the fixed format's information field (12.2.7), which has no upper bytes.
func registers(b []byte) (ataAnswer, bool) {
	if len(b) < 8 {
		return ataAnswer{}, false
	}
	if b[0]&0x7f == 0x70 && len(b) >= 12 && b[3]|b[4] != 0 {
		return ataAnswer{
			status: b[4], error: b[3], count: uint16(b[6]),
			lba: uint64(b[9]) | uint64(b[10])<<8 | uint64(b[11])<<16,
		}, true
	}
	if b[0]&0x7f != 0x72 {
		return ataAnswer{}, false
	}
	d := descriptor(b, 9, 14)
	if d == nil {
		return ataAnswer{}, false
	}
	a := ataAnswer{status: d[13], error: d[3], count: binary.BigEndian.Uint16(d[4:])}
	for i, shift := range []int{24, 0, 32, 8, 40, 16} {
		a.lba |= uint64(d[6+i]) << shift
	}
	return a, true
}

func openATA(ctx context.Context, h handle, disk Disk) (*ataDisk, error) {
	a := &ataDisk{handle: h}
	if err := a.identify(ctx); err != nil {
		return nil, err
	}
	a.bytes = disk.Size
	return a, samePlace(disk, a.serial())
}

func (a *ataDisk) serial() string { return ataText(a.words[10:20]) }

func (a *ataDisk) identify(ctx context.Context) error {
	sector := make([]byte, ataSector)
	if _, err := exchange(ctx, a, taskFile{command: ataIdentify}, sector, nil, askTimeout); err != nil {
		return fmt.Errorf("identify: %w", err)
	}
	for i := range a.words {
		a.words[i] = binary.LittleEndian.Uint16(sector[2*i:])
	}
	if a.words[0] == 0 && a.words[83] == 0 {
		return errors.New("identify: the disk answered with nothing")
	}
	return nil
}

// ataText is a string of IDENTIFY: two characters a word, the first one above.
func ataText(words []uint16) string {
	text := make([]byte, 0, 2*len(words))
	for _, word := range words {
		text = append(text, byte(word>>8), byte(word))
	}
	return printable(text)
}

func (a *ataDisk) bit(word, bit int) bool { return a.words[word]>>bit&1 == 1 }

// supports reads a bit of words 82 to 84 or 119: those are only valid where bits
// 15:14 of word 83 or 119 are 01b.
func (a *ataDisk) supports(word, bit int) bool {
	valid := 83
	if word == 119 {
		valid = 119
	}
	return a.words[valid]>>14 == 1 && a.bit(word, bit)
}

// zeroing is DRAT with RZAT, and a TRIM to go with them.
func (a *ataDisk) zeroing() bool { return a.bit(169, 0) && a.bit(69, 14) && a.bit(69, 5) }

// sectors is the size that the disk gives to everybody.
func (a *ataDisk) sectors() uint64 {
	return uint64(a.words[100]) | uint64(a.words[101])<<16 | uint64(a.words[102])<<32 | uint64(a.words[103])<<48
}

// hidden says how many sectors an HPA, an accessible maximum or a DCO keeps from
// us: reads and writes do not reach that part. A firmware that froze the
// question leaves a doubt, which is noted.
func (a *ataDisk) hidden(ctx context.Context) (uint64, []string) {
	var notes []string
	for _, area := range []struct {
		name      string
		word, bit int
		ask       func(context.Context) (uint64, error)
	}{
		{"an accessible maximum address", 119, 8, a.highest(taskFile{command: ataAccessibleMax})},
		{"a host protected area", 82, 10, a.highest(taskFile{command: ataReadNativeMax})},
		{"a device configuration overlay", 83, 11, a.overlay},
	} {
		if !a.supports(area.word, area.bit) {
			continue
		}
		highest, err := area.ask(ctx)
		if err != nil {
			notes = append(notes, fmt.Sprintf("the disk does not say whether %s hides a part of it: %v", area.name, err))
			continue
		}
		if n := a.beyond(highest); n > 0 {
			return n, append(notes, fmt.Sprintf("%s hides %d sectors", area.name, n))
		}
	}
	return 0, notes
}

func (a *ataDisk) highest(t taskFile) func(context.Context) (uint64, error) {
	return func(ctx context.Context) (uint64, error) {
		answer, err := exchange(ctx, a, t, nil, nil, askTimeout)
		return answer.lba, err
	}
}

// overlay is words 3 to 6 of DEVICE CONFIGURATION IDENTIFY (ACS-2 7.10.3).
func (a *ataDisk) overlay(ctx context.Context) (uint64, error) {
	sector := make([]byte, ataSector)
	_, err := exchange(ctx, a, taskFile{command: ataDCO, features: 0xc2}, sector, nil, askTimeout)
	return binary.LittleEndian.Uint64(sector[6:]), err
}

// beyond counts from the highest address to the one that we see. Some disks
// answer with zero for "the same".
func (a *ataDisk) beyond(highest uint64) uint64 {
	if highest < a.sectors() {
		return 0
	}
	return highest + 1 - a.sectors()
}
