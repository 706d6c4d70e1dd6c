package drive

import (
	"encoding/binary"
	"syscall"
)

// fakeNVMe answers as NVMe base 2.0 lays the bytes out.
type fakeNVMe struct {
	*fake
	controller, namespace []byte
	active                []uint32
	state                 int
	progress              uint16
	running               uint32 // the sanitize action under way
	lies                  bool   // says done, and did nothing
	refuse                map[uint8]error
	ended                 int // the state that a sanitize ends in
	seen                  []nvmeCommand
	estimate              uint32
	stuck                 bool
	gone                  bool
}

const (
	nvmeSerial  = "S4EVNX0N123456"
	cryptoErase = 1 << 0
	blockErase  = 1 << 1
	overwrites  = 1 << 2
)

// newNVMe has a controller with one namespace of blocks of 512 bytes.
func newNVMe(size int64, sanicap uint32, fna byte) *fakeNVMe {
	f := &fakeNVMe{
		fake: newFake(size), controller: make([]byte, 4096), namespace: make([]byte, 4096),
		active: []uint32{1}, refuse: map[uint8]error{}, ended: sanitizeDone, estimate: 30,
	}
	copy(f.controller[4:24], nvmeSerial+"                    ") // SN, fig. 275: bytes 23:04
	copy(f.controller[24:64], "SAMSUNG MZVLB1T0")
	binary.LittleEndian.PutUint16(f.controller[256:], 1<<1) // OACS: Format NVM
	binary.LittleEndian.PutUint32(f.controller[328:], sanicap)
	f.controller[524] = fna
	binary.LittleEndian.PutUint64(f.namespace, uint64(size/512)) // NSZE
	f.namespace[26] = 0                                          // FLBAS: format 0
	f.namespace[128+2] = 9                                       // LBADS of format 0: 2^9
	f.nvme = f.answer
	return f
}

func (f *fakeNVMe) disk() Disk {
	return Disk{Path: "/dev/nvme0n1", Transport: NVMe, Serial: nvmeSerial, Size: f.size, LogicalBlock: 512}
}

func (f *fakeNVMe) answer(c nvmeCommand) (uint32, error) {
	if f.gone {
		return 0, named(syscall.ENODEV)
	}
	f.seen = append(f.seen, c)
	if err := f.refuse[c.Opcode]; err != nil {
		return 0, err
	}
	switch c.Opcode {
	case nvmeIdentify:
		f.identify(c)
	case nvmeGetLog:
		f.log(c)
	case nvmeSanitize:
		f.state, f.progress, f.running = sanitizeRunning, 0, c.CDW10&7
	case nvmeFormat:
		if !f.lies {
			f.take(c.CDW10 >> 9 & 7)
		}
	}
	return 0, nil
}

// take is what formatting does: SES 1 erases, 2 changes the key.
func (f *fakeNVMe) take(ses uint32) {
	if ses == 2 {
		f.scramble()
		return
	}
	f.wipe()
}

func (f *fakeNVMe) identify(c nvmeCommand) {
	switch c.CDW10 {
	case identifyController:
		copy(c.Data, f.controller)
	case identifyNamespace:
		copy(c.Data, f.namespace)
	case identifyActive:
		for i, id := range f.active {
			binary.LittleEndian.PutUint32(c.Data[4*i:], id)
		}
	}
}

// log moves a sanitize on by 30 % whenever it is asked about.
func (f *fakeNVMe) log(c nvmeCommand) {
	if c.CDW10&0xff != logSanitize {
		return
	}
	binary.LittleEndian.PutUint16(c.Data, f.progress)
	binary.LittleEndian.PutUint16(c.Data[2:], uint16(f.state))
	for at := 8; at < 32; at += 4 {
		binary.LittleEndian.PutUint32(c.Data[at:], f.estimate)
	}
	if f.state != sanitizeRunning || f.stuck {
		return
	}
	const step = 19661 // 30 % of 65536
	if f.progress < 3*step {
		f.progress += step
		return
	}
	f.state = f.ended
	if f.lies || f.ended == sanitizeFailed {
		return
	}
	if f.running == 4 {
		f.scramble()
		return
	}
	f.wipe()
}

// sent counts the commands of one kind.
func (f *fakeNVMe) sent(opcode uint8) int {
	n := 0
	for _, c := range f.seen {
		if c.Opcode == opcode {
			n++
		}
	}
	return n
}
