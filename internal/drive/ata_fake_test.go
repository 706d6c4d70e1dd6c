package drive

import (
	"bytes"
	"encoding/binary"
	"strings"
	"syscall"
)

// fakeATA is a SATA disk behind SAT: IDENTIFY words by ACS-4 7.12, answers by
// SAT-4 12.2.6.
type fakeATA struct {
	*fake
	words     [256]uint16
	password  string
	locked    bool
	prepared  bool
	sanitize  uint16 // count of the status answer
	progress  uint64
	lies      bool
	fails     map[byte]bool // commands that are aborted
	native    uint64        // highest address, 0: as IDENTIFY says
	seen      []byte
	limits    map[byte]uint32 // milliseconds given to each
	gone      bool
	powerCuts bool // the power goes while the disk erases
	fixed     bool // answers in fixed format sense
}

const ataSerial = "WD-WCC4N1234567"

func newATA(size int64) *fakeATA {
	f := &fakeATA{fake: newFake(size), fails: map[byte]bool{}, limits: map[byte]uint32{}}
	f.text(10, 10, ataSerial)
	f.text(27, 20, "WDC WD40EFRX-68N32N0")
	f.words[83] = 1 << 14 // words 82 to 84 are valid
	f.words[119] = 1 << 14
	sectors := uint64(size / 512)
	for i := range 4 {
		f.words[100+i] = uint16(sectors >> (16 * i))
	}
	f.scsi = f.answer
	return f
}

func (f *fakeATA) text(word, words int, s string) {
	s += strings.Repeat(" ", 2*words-len(s))
	for i := range words {
		f.words[word+i] = uint16(s[2*i])<<8 | uint16(s[2*i+1])
	}
}

func (f *fakeATA) disk() Disk {
	return Disk{Path: "/dev/sda", Transport: SATA, Serial: ataSerial, Size: f.size, LogicalBlock: 512, Rotational: true}
}

func (f *fakeATA) set(word int, bits ...int) *fakeATA {
	for _, bit := range bits {
		f.words[word] |= 1 << bit
	}
	return f
}

func (f *fakeATA) flag(bit int, on bool) {
	f.words[128] &^= 1 << bit
	if on {
		f.words[128] |= 1 << bit
	}
}

// answer works on the registers of one ATA PASS-THROUGH (16).
func (f *fakeATA) answer(c scsiCommand) (scsiReply, error) {
	if f.gone {
		return scsiReply{}, named(syscall.ENODEV)
	}
	command := c.Block[14]
	f.seen = append(f.seen, command)
	f.limits[command] = uint32(c.Timeout.Milliseconds())
	if c.Block[0] != ataPassThrough16 {
		return scsiReply{Status: checkCondition, Sense: []byte{0x70, 0, keyIllegalRequest, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x20, 0, 0, 0, 0, 0}}, nil
	}
	if f.fails[command] {
		return f.registers(0x51, ataErrorAbort, 0, 0), nil
	}
	return f.do(command, binary.BigEndian.Uint16(c.Block[3:]), c)
}

func (f *fakeATA) do(command byte, features uint16, c scsiCommand) (scsiReply, error) {
	refused := f.registers(0x51, ataErrorAbort, 0, 0)
	given := ""
	if len(c.Out) == ataSector {
		given = string(c.Out[2:34])
	}
	switch command {
	case ataIdentify:
		f.flag(securityEnabled, f.password != "")
		f.flag(securityLocked, f.locked)
		for i, word := range f.words {
			binary.LittleEndian.PutUint16(c.In[2*i:], word)
		}
	case ataSetPassword:
		f.password = given
	case ataUnlock, ataDisablePassword:
		if given != f.password {
			return refused, nil
		}
		f.locked = false
		if command == ataDisablePassword {
			f.password = ""
		}
	case ataErasePrepare:
		f.prepared = true
	case ataEraseUnit:
		return f.eraseUnit(given, refused)
	case ataSanitize:
		return f.sanitized(features, c)
	case ataReadNativeMax, ataAccessibleMax:
		return f.registers(0x50, 0, 0, f.native), nil
	case ataDCO:
		binary.LittleEndian.PutUint64(c.In[6:], f.native)
	}
	return f.registers(0x50, 0, 0, 0), nil
}

func (f *fakeATA) eraseUnit(given string, refused scsiReply) (scsiReply, error) {
	if !f.prepared || given != f.password || f.password == "" {
		return refused, nil
	}
	f.prepared = false
	if f.powerCuts {
		f.powerCuts, f.locked, f.gone = false, true, true
		return scsiReply{}, named(syscall.ENODEV)
	}
	if !f.lies {
		f.wipe()
	}
	f.password = ""
	return f.registers(0x50, 0, 0, 0), nil
}

func (f *fakeATA) sanitized(features uint16, c scsiCommand) (scsiReply, error) {
	magic := map[uint16][]byte{sanitizeCrypto: []byte("pyrC"), sanitizeBlock: []byte("rEkB")}
	if features != sanitizeStatus {
		// The low address bytes arrive in 8, 10, 12 and 7: the magic backwards.
		got := string([]byte{c.Block[8], c.Block[10], c.Block[12], c.Block[7]})
		if got != string(magic[features]) {
			return f.registers(0x51, ataErrorAbort, 0, 0), nil
		}
		f.sanitize, f.progress = ataSanitizeRuns, 0
		return f.registers(0x50, 0, f.sanitize, 0), nil
	}
	if f.sanitize&ataSanitizeRuns != 0 {
		if f.progress += 0x4ccc; f.progress > 0xffff { // 30 %
			f.sanitize = ataSanitizeOK
			if !f.lies {
				f.wipe()
			}
		}
	}
	return f.registers(0x50, 0, f.sanitize, f.progress&0xffff), nil
}

// registers is a CHECK CONDITION with the ATA Status Return descriptor.
func (f *fakeATA) registers(status, bad byte, count uint16, lba uint64) scsiReply {
	if f.fixed {
		key := byte(0x1)
		if bad != 0 {
			key = 0xb
		}
		return scsiReply{Status: checkCondition, Sense: []byte{
			0x70, 0, key, bad, status, 0x40, byte(count), 10, 0,
			byte(lba), byte(lba >> 8), byte(lba >> 16), 0, 0x1d, 0, 0, 0, 0,
		}}
	}
	b := make([]byte, 22)
	b[0], b[1], b[2], b[3], b[7] = 0x72, 0x01, 0x00, 0x1d, 14
	d := b[8:]
	d[0], d[1], d[3], d[13] = 9, 12, bad, status
	binary.BigEndian.PutUint16(d[4:], count)
	d[6], d[7], d[8], d[9], d[10], d[11] = byte(lba>>24), byte(lba), byte(lba>>32), byte(lba>>8), byte(lba>>40), byte(lba>>16)
	return scsiReply{Status: checkCondition, Sense: b}
}

func (f *fakeATA) sent(command byte) int { return bytes.Count(f.seen, []byte{command}) }
