package inventory

import (
	"encoding/binary"
	"fmt"
	"os"
)

// firmware reads the SMBIOS tables (DMTF DSP0134 3.7) as the kernel hands them out.
func (r *reader) firmware() {
	_, err := os.Stat(r.path("sys/firmware/efi"))
	r.found.UEFI = err == nil
	tables, err := os.ReadFile(r.path("sys/firmware/dmi/tables/DMI"))
	if err != nil {
		r.note("SMBIOS: %v", err)
		return
	}
	for _, s := range structures(tables) {
		switch s.kind() {
		case typeBIOS:
			r.found.BIOS = BIOS{s.text(0x04), s.text(0x05), s.text(0x08)}
		case typeSystem:
			r.found.System = System{s.text(0x04), s.text(0x05), s.text(0x07), s.uuid(0x08)}
		case typeMemoryDevice:
			r.module(s)
		}
	}
}

// module is a memory device (section 7.18). Size is in MiB, or in KiB where bit 15
// is set; 7FFFh says that it stands in the extended size; FFFFh, that nobody knows.
func (r *reader) module(s structure) {
	size := int64(s.number(0x0c)) << 20
	switch s.number(0x0c) {
	case 0, 0xffff:
		return // an empty slot, or as good as one
	case 0x7fff:
		size = int64(s.number(0x1c)|(s.number(0x1e)&0x7fff)<<16) << 20
	default:
		if s.number(0x0c)&0x8000 != 0 {
			size = int64(s.number(0x0c)&0x7fff) << 10
		}
	}
	speed := s.number(0x20)
	if speed == 0 {
		speed = s.number(0x15)
	}
	r.found.Memory.DIMMs = append(r.found.Memory.DIMMs, DIMM{
		Slot: s.text(0x10), Size: size, Speed: speed, Maker: s.text(0x17), Serial: s.text(0x18), Part: s.text(0x1a),
	})
	r.found.Memory.Total += size
}

// The types of structures that are read here, and the one that ends the table.
const (
	typeBIOS         = 0
	typeSystem       = 1
	typeMemoryDevice = 17
	typeEnd          = 127
)

// structure is one entry of the tables: its formatted part, and its strings.
type structure struct {
	formatted []byte
	strings   []string
}

// structures cuts the tables into their entries (section 6.1). Where they break
// off, what came before is kept: firmware that miscounts is common.
func structures(b []byte) []structure {
	const header, limit = 4, 4096 // more entries than any firmware has
	var all []structure
	for len(b) >= header && len(all) < limit {
		size := int(b[1])
		if size < header || size > len(b) || b[0] == typeEnd {
			break
		}
		s := structure{formatted: b[:size]}
		s.strings, b = texts(b[size:])
		all = append(all, s)
	}
	return all
}

// texts are ended by a zero byte each, and all of them by another. An entry
// without any has two.
func texts(b []byte) (all []string, rest []byte) {
	for at := 0; at < len(b); at++ {
		if b[at] != 0 {
			continue
		}
		if at > 0 {
			all = append(all, string(b[:at]))
		}
		b, at = b[at+1:], -1
		if len(b) > 0 && b[0] == 0 {
			return all, b[1:]
		}
	}
	return all, nil
}

func (s structure) kind() byte { return s.formatted[0] }

// number is the word at a place, or zero where the entry is of an older version.
func (s structure) number(at int) int {
	if at+2 > len(s.formatted) {
		return 0
	}
	return int(binary.LittleEndian.Uint16(s.formatted[at:]))
}

// text is the string whose number, from one on, stands at a place.
func (s structure) text(at int) string {
	if at >= len(s.formatted) {
		return ""
	}
	n := int(s.formatted[at])
	if n == 0 || n > len(s.strings) {
		return ""
	}
	return clip(s.strings[n-1])
}

// uuid has its first three fields in little-endian order (section 7.2.1). All
// ones or zeroes is none.
func (s structure) uuid(at int) string {
	if at+16 > len(s.formatted) {
		return ""
	}
	u := s.formatted[at : at+16]
	ones, zeroes := true, true
	for _, b := range u {
		ones, zeroes = ones && b == 0xff, zeroes && b == 0
	}
	if ones || zeroes {
		return ""
	}
	le := binary.LittleEndian
	return fmt.Sprintf("%08x-%04x-%04x-%x-%x", le.Uint32(u), le.Uint16(u[4:]), le.Uint16(u[6:]), u[8:10], u[10:])
}
