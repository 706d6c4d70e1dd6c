package drive

import (
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/internal/erasure"
	"millwright/internal/metal"
)

// fakeSCSI is a SAS disk: SBC-4 and SPC-5.
type fakeSCSI struct {
	*fake
	knows    map[byte]bool // service actions of SANITIZE
	unmaps   bool          // LBPME and LBPRZ
	progress int           // 65536ths, below 0: no sanitize
	fails    bool
	lies     bool
	sent     []byte
}

const sasSerial = "5002538A12345678"

func newSCSI(size int64, actions ...byte) *fakeSCSI {
	f := &fakeSCSI{fake: newFake(size), knows: map[byte]bool{}, progress: -1}
	for _, action := range actions {
		f.knows[action] = true
	}
	f.scsi = f.answer
	return f
}

func (f *fakeSCSI) disk() Disk {
	return Disk{Path: "/dev/sdb", Transport: SAS, Serial: sasSerial, Size: f.size, LogicalBlock: 512}
}

func (f *fakeSCSI) answer(c scsiCommand) (scsiReply, error) {
	f.sent = append(f.sent, c.Block[0])
	switch c.Block[0] {
	case scsiServiceIn16:
		binary.BigEndian.PutUint64(c.In, uint64(f.size/512-1))
		binary.BigEndian.PutUint32(c.In[8:], 512)
		if f.unmaps {
			c.In[14] = 0xc0
		}
	case scsiInquiry:
		c.In[1], c.In[3] = 0x80, byte(len(sasSerial))
		copy(c.In[4:], sasSerial)
	case scsiMaintenanceIn:
		c.In[1] = 1 // not supported
		if f.knows[c.Block[5]] {
			c.In[1] = 3
		}
	case scsiSanitize:
		f.progress = 0
	case scsiRequestSense:
		copy(c.In, f.sense())
	}
	return scsiReply{}, nil
}

// sense moves the sanitize on by 30 %.
func (f *fakeSCSI) sense() []byte {
	fixed := make([]byte, 18)
	fixed[0], fixed[7] = 0x70, 10
	if f.progress < 0 {
		return fixed
	}
	if f.progress += 19661; f.progress < 65536 {
		fixed[2], fixed[12], fixed[13], fixed[15] = keyNotReady, 0x04, 0x1b, 0x80
		binary.BigEndian.PutUint16(fixed[16:], uint16(f.progress))
		return fixed
	}
	if f.fails {
		fixed[2], fixed[12], fixed[13] = keyMedium, 0x31, 0x03
		return fixed
	}
	f.progress = -1
	if !f.lies {
		f.wipe()
	}
	return fixed
}

func TestSCSISanitizeIsFollowedToItsEnd(t *testing.T) {
	f := newSCSI(smallDisk, 2)
	f.fill()
	erasing(t, f, f.disk(), erasure.Full, func(c erasure.Certificate, err error) {
		require.NoError(t, err)
		require.Equal(t, "SCSI sanitize, block erase", c.Method)
		require.Equal(t, erasure.Purge, c.Grade)
	})
}

func TestASCSISanitizeThatFailsIsAnError(t *testing.T) {
	f := newSCSI(smallDisk, 3, 2)
	f.fill()
	f.fails = true
	erasing(t, f, f.disk(), erasure.Full, func(_ erasure.Certificate, err error) {
		require.ErrorIs(t, err, metal.ErrUnprovenErasure)
		require.ErrorContains(t, err, "SCSI sense 3/31/03")
	})
}

func TestASASDiskThatLiesIsFoundOut(t *testing.T) {
	f := newSCSI(smallDisk, 3)
	f.fill()
	f.lies = true
	erasing(t, f, f.disk(), erasure.Full, func(_ erasure.Certificate, err error) {
		require.ErrorIs(t, err, metal.ErrUnprovenErasure)
	})
}

func TestASCSISanitizeOfAnEarlierBootIsAwaited(t *testing.T) {
	f := newSCSI(smallDisk, 2)
	f.fill()
	f.progress = 1000
	erasing(t, f, f.disk(), erasure.Full, func(c erasure.Certificate, err error) {
		require.NoError(t, err)
		require.Equal(t, "SCSI sanitize, begun by an earlier boot", c.Method)
		require.NotContains(t, f.sent, byte(scsiSanitize))
	})
}

func TestUnmapErasesWhereUnmappedReadsAsZero(t *testing.T) {
	f := newSCSI(smallDisk)
	f.fill()
	f.unmaps, f.zeroed = true, true
	erasing(t, f, f.disk(), erasure.Full, func(c erasure.Certificate, err error) {
		require.NoError(t, err)
		require.Equal(t, "discard", c.Method)
		require.Equal(t, erasure.Clear, c.Grade)
		require.Zero(t, f.writes)
	})
}

func TestAPlainSASDiskIsOverwritten(t *testing.T) {
	f := newSCSI(smallDisk)
	f.fill()
	erasing(t, f, f.disk(), erasure.Full, func(c erasure.Certificate, err error) {
		require.NoError(t, err)
		require.Equal(t, "overwritten with zeroes", c.Method)
		require.Equal(t, erasure.Whole, c.Verified.Extent)
	})
}
