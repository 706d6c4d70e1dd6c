package qemu

import (
	"encoding/binary"
	"os"
	"unicode/utf16"
)

// WriteWordDisk makes a disk that boots on each firmware, says one word on the
// console, and halts: the proof that a machine has reached its disk. It is a
// FAT floppy whose boot sector a BIOS runs, with the program that UEFI looks
// for on any disk.
func WriteWordDisk(path, word string) error {
	disk := make([]byte, floppySectors*sector)
	copy(disk, bootSector(word))
	fat := make([]byte, fatSectors*sector)
	program := efiProgram(word)
	clusters := len(program) / sector
	chain(fat, 0, 0xff0) // the medium
	chain(fat, 1, end)
	chain(fat, 2, end) // \EFI
	chain(fat, 3, end) // \EFI\BOOT
	for i := range clusters {
		next := uint16(4 + i + 1)
		if i == clusters-1 {
			next = end
		}
		chain(fat, 4+i, next)
	}
	copy(disk[sector:], fat)
	copy(disk[(1+fatSectors)*sector:], fat)
	copy(disk[rootSector*sector:], entry("EFI        ", directory, 2, 0))
	copy(disk[cluster(2):], entry("BOOT       ", directory, 3, 0))
	copy(disk[cluster(3):], entry("BOOTX64 EFI", 0, 4, len(program)))
	copy(disk[cluster(4):], program)
	return os.WriteFile(path, disk, 0o600)
}

// WriteWordProgram makes an EFI program that says one word and halts, for what
// would start a kernel.
func WriteWordProgram(path, word string) error { return os.WriteFile(path, efiProgram(word), 0o600) }

// The floppy is the common one of 1.44 MB, FAT12.
const (
	sector        = 512
	floppySectors = 2880
	fatSectors    = 9
	rootSector    = 1 + 2*fatSectors
	rootEntries   = 224
	dataSector    = rootSector + rootEntries*32/sector
	directory     = 0x10
	end           = 0xfff
)

func cluster(n int) int { return (dataSector + n - 2) * sector }

// chain writes one entry of 12 bits.
func chain(fat []byte, n int, next uint16) {
	at := n + n/2
	two := binary.LittleEndian.Uint16(fat[at:])
	if n%2 == 0 {
		two = two&0xf000 | next
	} else {
		two = two&0x000f | next<<4
	}
	binary.LittleEndian.PutUint16(fat[at:], two)
}

func entry(name string, attributes byte, first, size int) []byte {
	e := make([]byte, 32)
	copy(e, name)
	e[11] = attributes
	binary.LittleEndian.PutUint16(e[26:], uint16(first))
	binary.LittleEndian.PutUint32(e[28:], uint32(size))
	return e
}

// bootSector writes to the first serial port itself, waiting for each byte to
// leave: a BIOS without a serial console is the usual one.
func bootSector(word string) []byte {
	s := make([]byte, sector)
	copy(s, "\xeb\x3c\x90MILLWRGT")
	for at, v := range map[int]uint16{
		11: sector, 14: 1, 17: rootEntries, 19: floppySectors, 22: fatSectors, 24: 18, 26: 2, 510: 0xaa55,
	} {
		binary.LittleEndian.PutUint16(s[at:], v)
	}
	s[13], s[16], s[21] = 1, 2, 0xf0
	code := []byte{
		0xfc, 0x31, 0xc0, 0x8e, 0xd8, // cld; ds = 0
		0xbe, 0x00, 0x00, // si = where the word is, below
		0xac, 0x84, 0xc0, 0x74, 0x12, // next: al = *si++; if al is 0, halt
		0x88, 0xc4, 0xba, 0xfd, 0x03, // ah = al; dx = line status
		0xec, 0xa8, 0x20, 0x74, 0xfb, // wait until the last byte has left
		0xba, 0xf8, 0x03, 0x88, 0xe0, 0xee, // send
		0xeb, 0xe9, // next
		0xf4, 0xeb, 0xfd, // halt
	}
	const start = 0x3e
	binary.LittleEndian.PutUint16(code[6:], uint16(0x7c00+start+len(code)))
	copy(s[start:], code)
	copy(s[start+len(code):510], word+"\r\n\x00")
	return s
}

// efiProgram is an EFI application of one section that calls the console's
// OutputString (UEFI 2.10, section 12.4) and halts.
func efiProgram(word string) []byte {
	code := []byte{
		0x48, 0x83, 0xec, 0x28, // sub rsp, 40: the callee's shadow space
		0x48, 0x8b, 0x4a, 0x40, // rcx = system table's ConOut
		0x48, 0x8d, 0x15, 0x06, 0x00, 0x00, 0x00, // rdx = the word, behind the code
		0xff, 0x51, 0x08, // call OutputString
		0xf4, 0xeb, 0xfd, // halt
	}
	for _, u := range utf16.Encode([]rune(word + "\r\n\x00")) {
		code = binary.LittleEndian.AppendUint16(code, u)
	}
	image := make([]byte, 2*sector)
	copy(image[sector:], code)
	copy(image, peHeader())
	return image
}

// peHeader is that of a PE32+ file with its one section at 0x1000.
func peHeader() []byte {
	h := make([]byte, sector)
	put := func(at int, words ...uint32) {
		for i, w := range words {
			binary.LittleEndian.PutUint32(h[at+4*i:], w)
		}
	}
	copy(h, "MZ")
	put(60, 64)
	copy(h[64:], "PE\x00\x00")
	put(68, 1<<16|0x8664)       // one section; x86-64
	put(84, 0x0022<<16|240)     // an executable with an optional header of 240 bytes
	put(88, 0x020b, sector)     // PE32+; size of code
	put(104, 0x1000, 0x1000)    // entry point; base of code
	put(120, 0x1000, sector)    // alignment in memory and in the file
	put(144, 0x2000, sector, 0) // size in memory; size of headers
	put(156, 10)                // an EFI application
	put(196, 16)                // data directories, all empty
	copy(h[328:], ".text")
	put(336, sector, 0x1000, sector, sector)
	put(364, 0x60000020) // code, executable, readable
	return h
}
