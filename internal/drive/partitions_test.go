package drive

import (
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"
)

// gpt is a table of one partition, by UEFI 2.10, 5.3.
func gpt(table uint64, count, size uint32) []byte {
	head := make([]byte, 64<<10)
	copy(head[512:], "EFI PART")
	binary.LittleEndian.PutUint64(head[512+72:], table)
	binary.LittleEndian.PutUint32(head[512+80:], count)
	binary.LittleEndian.PutUint32(head[512+84:], size)
	binary.LittleEndian.PutUint64(head[1024+32:], 2048)
	binary.LittleEndian.PutUint64(head[1024+40:], 4095)
	return head
}

var tabled = Disk{Size: 1 << 30, LogicalBlock: 512}

func TestPartitionsAreReadFromTheDisksOwnTable(t *testing.T) {
	t.Parallel()
	require.Equal(t, []place{{1 << 20, 1 << 20}}, gptPartitions(gpt(2, 128, 128), tabled))
}

// What stands there is a tenant's, who may mean harm.
func FuzzPartitionsLieOnTheDisk(f *testing.F) {
	f.Add(gpt(2, 128, 128))
	f.Add(gpt(1<<63-1, 128, 128))
	f.Add(gpt((1<<63-1)/512, 1<<31, 1<<31))
	f.Fuzz(func(t *testing.T, head []byte) {
		for _, p := range append(gptPartitions(head, tabled), mbrPartitions(head, tabled)...) {
			require.GreaterOrEqual(t, p.at, int64(0))
			require.Positive(t, p.n)
			require.LessOrEqual(t, p.at+p.n, tabled.Size)
		}
	})
}
