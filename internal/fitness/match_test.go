package fitness

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"millwright/internal/drive"
	"millwright/internal/inventory"
)

// most is how many pairs there can be, tried one by one.
func most(wants []wanted, disks []disk) int {
	if len(wants) == 0 {
		return 0
	}
	best := most(wants[1:], disks)
	for i, d := range disks {
		if wants[0].takes(d) {
			rest := append(append([]disk{}, disks[:i]...), disks[i+1:]...)
			best = max(best, 1+most(wants[1:], rest))
		}
	}
	return best
}

func TestAsManyDisksAsCanBeHaveAPlace(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var wants []wanted
		var disks []disk
		for range rapid.IntRange(0, 5).Draw(t, "wants") {
			wants = append(wants, wanted{rapid.IntRange(80, 140).Draw(t, "gb"), rapid.SampledFrom([]string{"", "ssd", "hdd"}).Draw(t, "kind")})
		}
		for range rapid.IntRange(0, 5).Draw(t, "disks") {
			disks = append(disks, disk{Disk: inventory.Disk{Disk: drive.Disk{
				Size: int64(rapid.IntRange(70, 150).Draw(t, "size")) * 1e9, Rotational: rapid.Bool().Draw(t, "spins"), Transport: drive.SATA}}})
		}
		m := match(wants, disks)
		pairs, seated := 0, map[int]bool{}
		for w, d := range m.of {
			if d == none {
				continue
			}
			require.True(t, wants[w].takes(disks[d]))
			require.False(t, seated[d], "a disk has one place")
			pairs, seated[d] = pairs+1, true
		}
		require.Equal(t, most(wants, disks), pairs)
	})
}
