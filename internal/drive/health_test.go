package drive

import (
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"
)

// healthLog is log page 02h as NVMe base 2.0, fig. 207 lays it out.
func healthLog(warning byte, kelvin uint16, used byte, hours, mediaErrors uint64) []byte {
	page := make([]byte, 512)
	page[0], page[3], page[4], page[5] = warning, 100, 10, used
	binary.LittleEndian.PutUint16(page[1:], kelvin)
	binary.LittleEndian.PutUint64(page[128:], hours)
	binary.LittleEndian.PutUint64(page[160:], mediaErrors)
	return page
}

func TestTheHealthOfNVMeIsItsWarningsAndItsWear(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		page []byte
		want Condition
		why  []string
	}{
		{healthLog(0, 310, 3, 12000, 0), OK, nil},
		{healthLog(0, 310, 93, 12000, 0), Degraded, []string{"93 % of its rated writes are used"}},
		{healthLog(0, 310, 3, 12000, 7), Degraded, []string{"7 media errors"}},
		{healthLog(1<<3, 310, 3, 12000, 7), Failing, []string{"medium is read only", "7 media errors"}},
	} {
		f := newFake(0)
		f.nvme = func(command nvmeCommand) (uint32, error) {
			require.EqualValues(t, 0x007f0002, command.CDW10, "128 doublewords of page 2")
			copy(command.Data, c.page)
			return 0, nil
		}
		h, err := healthOf(t.Context(), f, Disk{Transport: NVMe})
		require.NoError(t, err)
		require.Equal(t, c.want, h.Condition)
		require.Equal(t, c.why, h.Reasons)
		require.Equal(t, 37, *h.Celsius)
		require.EqualValues(t, 12000, *h.PowerOnHours)
	}
}

// smartPage has a table of attributes: ID, value and raw count.
func smartPage(attributes ...[3]uint64) []byte {
	page := make([]byte, 512)
	for i, a := range attributes {
		entry := page[2+12*i:]
		entry[0], entry[3] = byte(a[0]), byte(a[1])
		binary.LittleEndian.PutUint32(entry[5:], uint32(a[2]))
	}
	return page
}

func TestTheHealthOfATAIsItsStatusAndItsAttributes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		failing bool
		page    []byte
		want    Condition
		why     []string
	}{
		{false, smartPage([3]uint64{5, 100, 0}, [3]uint64{9, 80, 30000}, [3]uint64{194, 60, 41}), OK, nil},
		{false, smartPage([3]uint64{5, 90, 8}, [3]uint64{197, 90, 2}), Degraded,
			[]string{"2 sectors wait to be reallocated", "8 sectors reallocated"}},
		{true, smartPage([3]uint64{9, 80, 30000}), Failing, []string{"SMART says that the disk is about to fail"}},
		{false, smartPage([3]uint64{233, 4, 0}), Degraded, []string{"96 % of its rated writes are used"}},
	} {
		f := newATA(0)
		f.scsi = func(command scsiCommand) (scsiReply, error) {
			require.Equal(t, []byte{0x4f, 0xc2}, command.Block[6:8])
			if command.Block[3] == smartReadData {
				copy(command.In, c.page)
				return scsiReply{}, nil
			}
			lba := uint64(smartMagic)
			if c.failing {
				lba = smartFailing
			}
			return f.registers(0x50, 0, 0, lba), nil
		}
		h, err := healthOf(t.Context(), f, Disk{Transport: SATA})
		require.NoError(t, err)
		require.Equal(t, c.want, h.Condition)
		require.Equal(t, c.why, h.Reasons)
	}
}

func TestTheHealthOfSASIsItsExpectation(t *testing.T) {
	t.Parallel()
	for code, want := range map[byte]Condition{0: OK, 0x5d: Failing} {
		f := newFake(0)
		f.scsi = func(command scsiCommand) (scsiReply, error) {
			copy(command.In, []byte{0x2f, 0, 0, 8, 0, 0, 3, 4, code, 0x10, 34, 0})
			return scsiReply{}, nil
		}
		h, err := healthOf(t.Context(), f, Disk{Transport: SAS})
		require.NoError(t, err)
		require.Equal(t, want, h.Condition)
		require.Equal(t, 34, *h.Celsius)
	}
}

func TestADiskThatSaysNothingIsUnknown(t *testing.T) {
	t.Parallel()
	h, err := healthOf(t.Context(), newFake(0), Disk{Transport: Virtio})
	require.NoError(t, err)
	require.Equal(t, Unknown, h.Condition)
	h, err = CheckHealth(t.Context(), Disk{Path: "/dev/none-of-ours", Transport: NVMe})
	require.ErrorContains(t, err, "/dev/none-of-ours")
	require.Equal(t, Unknown, h.Condition)
}
