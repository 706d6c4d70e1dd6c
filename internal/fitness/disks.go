package fitness

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"millwright/internal/inventory"
	"millwright/internal/metal"
)

// mostDisks is more than any machine has, and as many as an agent tells of.
const mostDisks = 256

// disk is a disk that was found.
type disk struct {
	inventory.Disk
	declared bool // by its serial, or its WWN
}

// name tells the disk from the machine's others: slots move, serials do not.
func (d disk) name() string { return cmp.Or(d.Serial, d.Path) }

func (d disk) String() string {
	return fmt.Sprintf("%s (serial %s, %.0f GB %s)", d.Path, cmp.Or(d.Serial, "unknown"), float64(d.Size)/1e9, cmp.Or(d.kind(), "disk"))
}

// kind is the disk's type in the site file's words, or nothing: virtio disks say
// that they spin, whatever they are.
func (d disk) kind() string {
	switch {
	case d.Transport == "virtio":
		return ""
	case d.Transport == "nvme":
		return "nvme"
	case d.Rotational:
		return "hdd"
	}
	return "ssd"
}

func (d disk) is(name string) bool {
	return name != "" && (strings.EqualFold(name, d.Serial) || strings.EqualFold(name, d.WWN))
}

// wanted is a disk of the plan.
type wanted struct {
	gb   int
	kind string // empty: any
}

func (w wanted) String() string { return strings.TrimSpace(fmt.Sprintf("%d GB %s", w.gb, w.kind)) }

// off is by how many bytes a disk is larger or smaller.
func (w wanted) off(d disk) float64 { return math.Abs(float64(d.Size) - float64(w.gb)*1e9) }

// takes says whether a disk will do. Vendors sell 480 and 512 GB, 960 and
// 1,000 GB for the same thing; a tenth is between those and the next size.
func (w wanted) takes(d disk) bool {
	return w.off(d) <= max(float64(w.gb)*1e9/10, 1e9) && w.likes(d)
}

func (w wanted) likes(d disk) bool { return w.kind == "" || d.kind() == "" || w.kind == d.kind() }

// drives are what was found, those that are declared first, and then by name.
func (c *comparison) drives() []disk {
	all := make([]disk, 0, len(c.is.Disks))
	for _, found := range c.is.Disks[:min(len(c.is.Disks), mostDisks)] {
		d := disk{Disk: found}
		d.declared = slices.ContainsFunc(c.Disks, d.is)
		all = append(all, d)
	}
	slices.SortStableFunc(all, func(a, b disk) int {
		if a.declared != b.declared {
			if a.declared {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(a.name(), b.name()), cmp.Compare(a.Path, b.Path))
	})
	return all
}

func (c *comparison) wanted() []wanted {
	all := make([]wanted, len(c.Fitness.DisksGB))
	for i, gb := range c.Fitness.DisksGB {
		all[i].gb = gb
		if i < len(c.Fitness.DiskTypes) {
			all[i].kind = c.Fitness.DiskTypes[i]
		}
	}
	return all
}

func (c *comparison) disksHealth() {
	for _, d := range c.drives() {
		switch d.Health.Condition {
		case "failing":
			c.found.add(metal.FailingDisk, d.name(), "%s: %s", d, strings.Join(d.Health.Reasons, ", "))
		case "degraded":
			c.found.add(metal.WornDisk, d.name(), "%s: %s", d, strings.Join(d.Health.Reasons, ", "))
		}
	}
}
