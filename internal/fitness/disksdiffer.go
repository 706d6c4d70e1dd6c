package fitness

import (
	"fmt"
	"slices"

	"millwright/internal/metal"
)

// disks names what is missing, what is wrong and what is too much: first by size
// and type, as the plan has them, then by serial, as the machine has them.
func (c *comparison) disks() {
	drives := c.drives()
	absent := slices.DeleteFunc(slices.Clone(c.Disks), func(serial string) bool {
		return serial == "" || slices.ContainsFunc(drives, func(d disk) bool { return d.is(serial) })
	})
	others := slices.DeleteFunc(slices.Clone(drives), func(d disk) bool { return d.declared })
	if wants := c.wanted(); len(wants) > 0 {
		m := match(wants, drives)
		absent, others = c.bySize(&m, absent, others)
	}
	c.bySerial(absent, others)
}

// bySize compares with the plan, and returns what it did not name of the
// serials that are not there and of the drives that are not declared.
func (c *comparison) bySize(m *matching, absent []string, others []disk) ([]string, []disk) {
	empty, strays := m.rest()
	forget := func(d disk) {
		others = slices.DeleteFunc(others, func(o disk) bool { return o.Path == d.Path && o.Serial == d.Serial })
	}
	var missing []wanted
	for _, w := range empty {
		if len(strays) == 0 {
			missing = append(missing, w)
			continue
		}
		var d disk
		d, strays = instead(w, strays)
		c.found.add(metal.WrongDisk, d.name(), "the plan says a disk of %s, and there is %s%s", w, d, c.lost(&absent, d))
		forget(d)
	}
	for i, w := range missing {
		part := fmt.Sprintf("%s, number %d", w, i+1)
		if len(absent) > 0 {
			part, absent = absent[0], absent[1:]
		}
		c.found.add(metal.MissingDisk, part, "the plan says %d disks, and one of %s is not there: %s", len(m.wants), w, part)
	}
	for _, d := range strays {
		c.found.add(metal.ExtraDisk, d.name(), "the plan says %d disks, and there are %d: %s is too much%s", len(m.wants), len(m.drives), d, c.lost(&absent, d))
		forget(d)
	}
	return absent, others
}

// lost takes the first serial that is not there, for a disk that may stand in
// its place: one that is not declared itself.
func (c *comparison) lost(absent *[]string, d disk) string {
	if d.declared || len(*absent) == 0 {
		return ""
	}
	serial := (*absent)[0]
	*absent = (*absent)[1:]
	return fmt.Sprintf("; declared is serial %s, which is not there", serial)
}

// bySerial tells of disks that are as the plan says, and are not those that are
// declared: whoever erases the machine erases what it declares.
func (c *comparison) bySerial(absent []string, others []disk) {
	for i, serial := range absent {
		if i < len(others) {
			c.found.add(metal.WrongDisk, others[i].name(), "declared is serial %s, which is not there, and there is %s", serial, others[i])
			continue
		}
		c.found.add(metal.MissingDisk, serial, "declared is serial %s, which is not there", serial)
	}
}
