package drive

import (
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/internal/erasure"
	"millwright/internal/metal"
)

func TestADiskThatLiesAboutItsErasureIsFoundOut(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]*fakeNVMe{
		"crypto sanitize": newNVMe(smallDisk, cryptoErase, 0),
		"block sanitize":  newNVMe(smallDisk, blockErase, 0),
		"overwrite":       newNVMe(smallDisk, overwrites, 0),
		"crypto format":   newNVMe(smallDisk, 0, 1<<2),
		"format":          newNVMe(smallDisk, 0, 0),
	} {
		t.Run(name, func(t *testing.T) {
			f.fill()
			f.lies = true
			erasing(t, f, f.disk(), erasure.Full, func(c erasure.Certificate, err error) {
				require.ErrorIs(t, err, metal.ErrUnprovenErasure)
				require.Zero(t, c)
			})
		})
	}
}

// One block of the disk that keeps its content is one too many.
func TestASingleBlockThatStaysIsFound(t *testing.T) {
	f := newNVMe(smallDisk, blockErase, 0)
	f.fill()
	kept := append([]byte(nil), f.content[3*pieceSize]...)
	answer := f.nvme
	f.nvme = func(c nvmeCommand) (uint32, error) {
		result, err := answer(c)
		if f.state == sanitizeDone && f.content[3*pieceSize] == nil {
			f.content[3*pieceSize] = make([]byte, pieceSize)
			copy(f.content[3*pieceSize][5*blockSize:6*blockSize], kept[5*blockSize:])
		}
		return result, err
	}
	erasing(t, f, f.disk(), erasure.Full, func(_ erasure.Certificate, err error) {
		require.ErrorIs(t, err, metal.ErrUnprovenErasure)
		require.ErrorContains(t, err, "byte 3166208 and following are what they were")
	})
}

// A method that promises zeroes is held to it: noise may be a tenant's data in
// another form.
func TestNoiseWhereZeroesWerePromisedIsNotErased(t *testing.T) {
	f := newNVMe(smallDisk, overwrites, 0)
	f.fill()
	f.lies = true
	answer := f.nvme
	f.nvme = func(c nvmeCommand) (uint32, error) {
		if c.Opcode == nvmeSanitize {
			f.scramble()
		}
		return answer(c)
	}
	erasing(t, f, f.disk(), erasure.Full, func(_ erasure.Certificate, err error) {
		require.ErrorIs(t, err, metal.ErrUnprovenErasure)
		require.ErrorContains(t, err, "not zero within")
	})
}

func TestADiskThatIgnoresWritesIsFoundOut(t *testing.T) {
	t.Parallel()
	for _, mode := range []erasure.Mode{erasure.Full, erasure.Express} {
		t.Run(string(mode), func(t *testing.T) {
			f := newFake(smallDisk).fill()
			f.deaf = true
			disk := Disk{Path: "/dev/sdz", Transport: Other, Serial: "Z", Size: f.size, LogicalBlock: 512}
			erasing(t, f, disk, mode, func(_ erasure.Certificate, err error) {
				require.ErrorIs(t, err, metal.ErrUnprovenErasure)
			})
		})
	}
}
