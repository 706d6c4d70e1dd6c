package fitness

import (
	"cmp"
	"slices"
)

// matching gives each disk of a plan a disk that was found.
type matching struct {
	wants  []wanted
	drives []disk
	of     []int // the drive of each want, or none
}

const none = -1

// match finds as many pairs as there can be (Kuhn's algorithm). Drives are asked
// in their order, and one that has a place keeps having one; each takes the place
// that is nearest in size.
func match(wants []wanted, drives []disk) matching {
	m := matching{wants, drives, slices.Repeat([]int{none}, len(wants))}
	for d := range drives {
		m.seat(d, make([]bool, len(wants)))
	}
	return m
}

// seat finds a place for a drive, and another place for whose place that was.
func (m *matching) seat(d int, tried []bool) bool {
	for _, w := range m.suited(d) {
		if tried[w] {
			continue
		}
		tried[w] = true
		if m.of[w] == none || m.seat(m.of[w], tried) {
			m.of[w] = d
			return true
		}
	}
	return false
}

// suited are the places that a drive will do for, the nearest in size first.
func (m *matching) suited(d int) (all []int) {
	for w := range m.wants {
		if m.wants[w].takes(m.drives[d]) {
			all = append(all, w)
		}
	}
	slices.SortStableFunc(all, func(a, b int) int {
		return cmp.Compare(m.wants[a].off(m.drives[d]), m.wants[b].off(m.drives[d]))
	})
	return all
}

// rest are the places without a drive, and the drives without a place.
func (m *matching) rest() (empty []wanted, strays []disk) {
	for w := range m.wants {
		if m.of[w] == none {
			empty = append(empty, m.wants[w])
		}
	}
	for d := range m.drives {
		if !slices.Contains(m.of, d) {
			strays = append(strays, m.drives[d])
		}
	}
	return empty, strays
}

// instead takes out of strays the one that was most likely put in a place: of
// its type, or else the nearest in size.
func instead(w wanted, strays []disk) (disk, []disk) {
	best := 0
	for i := range strays {
		if liked, was := w.likes(strays[i]), w.likes(strays[best]); liked && !was || liked == was && w.off(strays[i]) < w.off(strays[best]) {
			best = i
		}
	}
	return strays[best], slices.Delete(slices.Clone(strays), best, best+1)
}
