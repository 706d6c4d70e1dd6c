package drive

import "unsafe"

// alignment suits every logical block size that Linux reads past its cache.
const alignment = 4096

// buffer makes a piece of memory that a disk can be read into directly.
func buffer(size int) []byte {
	if size == 0 {
		return nil
	}
	whole := make([]byte, size+alignment)
	past := int(uintptr(unsafe.Pointer(&whole[0])) % alignment)
	from := (alignment - past) % alignment
	return whole[from : from+size : from+size]
}
