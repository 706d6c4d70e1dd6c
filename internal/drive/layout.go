package drive

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"sort"
	"strings"
)

// Layout is what a job wants on a machine's disks: where the system goes,
// whether it is mirrored, and what the other disks hold.
type Layout struct {
	Boot   Choice   `json:"boot"`
	Mirror bool     `json:"mirror,omitempty"` // RAID 1 of the boot disk and a second one
	Data   []Volume `json:"data,omitempty"`
}

// Choice names the disk that boots. Empty, the machine's disks decide: the
// smallest flash disk that the image fits on, else the smallest of all.
type Choice struct {
	Serial string `json:"serial,omitempty"` // a serial or a WWN
	Second string `json:"second,omitempty"` // the mirror's other half, likewise
}

// Volume is a data disk with one partition and one file system, which the
// tenant's system mounts by its label.
type Volume struct {
	Serial     string     `json:"serial,omitempty"` // empty: the next disk that is free, the largest first
	Filesystem Filesystem `json:"filesystem"`
	Label      string     `json:"label"`
}

// Filesystem is what a volume is formatted with.
type Filesystem string

const (
	Ext4 Filesystem = "ext4"
	XFS  Filesystem = "xfs"
)

// Plan is a layout on the disks of one machine.
type Plan struct {
	Boot   Disk     `json:"boot"`
	Mirror *Disk    `json:"mirror,omitempty"`
	Data   []Placed `json:"data,omitempty"`
}

// Placed is a volume and the disk that it is on.
type Placed struct {
	Volume Volume `json:"volume"`
	Disk   Disk   `json:"disk"`
}

// labels of XFS have at most 12 bytes (mkfs.xfs -L), those of ext4 16. The
// characters are those that need no quoting in /dev/disk/by-label and fstab.
var labels = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,11}$`)

// ParseLayout reads a layout strictly: a misspelt key, or one that nobody heeds,
// is refused by name, as is what Validate refuses.
func ParseLayout(raw []byte) (l Layout, err error) {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&l); err != nil {
		return l, fmt.Errorf("layout: %w", err)
	}
	return l, l.Validate()
}

// CheckLayout says what ParseLayout would, to whoever needs no more.
func CheckLayout(raw []byte) error {
	_, err := ParseLayout(raw)
	return err
}

// Validate says what is wrong with a layout on any machine.
func (l Layout) Validate() error {
	if l.Boot.Second != "" && !l.Mirror {
		return errors.New("layout: boot.second names a disk, but mirror is not set")
	}
	if l.Boot.Second != "" && l.Boot.Serial == "" {
		return errors.New("layout: boot.second without boot.serial: name both halves of the mirror, or neither")
	}
	serials := map[string]string{}
	labelled := map[string]bool{}
	for _, named := range l.serials() {
		key := strings.ToLower(named.serial)
		if other, twice := serials[key]; twice {
			return fmt.Errorf("layout: disk %q is both %s and %s", named.serial, other, named.use)
		}
		serials[key] = named.use
	}
	for i, v := range l.Data {
		if err := v.validate(); err != nil {
			return fmt.Errorf("layout: data[%d]: %w", i, err)
		}
		if labelled[v.Label] {
			return fmt.Errorf("layout: data[%d]: label %q is there twice", i, v.Label)
		}
		labelled[v.Label] = true
	}
	return nil
}

type namedDisk struct{ serial, use string }

// serials are the disks that the layout names, and for what.
func (l Layout) serials() []namedDisk {
	all := []namedDisk{{l.Boot.Serial, "boot.serial"}, {l.Boot.Second, "boot.second"}}
	for i, v := range l.Data {
		all = append(all, namedDisk{v.Serial, fmt.Sprintf("data[%d]", i)})
	}
	return slices.DeleteFunc(all, func(n namedDisk) bool { return n.serial == "" })
}

func (v Volume) validate() error {
	switch {
	case v.Filesystem != Ext4 && v.Filesystem != XFS:
		return fmt.Errorf("file system %q is neither %q nor %q", v.Filesystem, Ext4, XFS)
	case !labels.MatchString(v.Label):
		return fmt.Errorf("label %q is not 1 to 12 letters, digits, dots, dashes or underscores", v.Label)
	}
	return nil
}

// Plan places a layout on a machine's disks, where the image needs need bytes.
// It is the same for the same disks, in whatever order the kernel found them.
func (l Layout) Plan(disks []Disk, need int64) (Plan, error) {
	if err := l.Validate(); err != nil {
		return Plan{}, err
	}
	free := slices.Clone(disks)
	sort.Slice(free, func(i, j int) bool { return smaller(free[i], free[j]) })
	var plan Plan
	var err error
	// Disks that are named are set aside first, so that no choice takes them.
	kept := l.aside(&free)
	if l.Mirror {
		need += mirrorTail
	}
	if plan.Boot, err = choose(&free, kept, l.Boot.Serial, need); err != nil {
		return Plan{}, fmt.Errorf("layout: boot disk: %w", err)
	}
	if l.Mirror {
		second, err := choose(&free, kept, l.Boot.Second, need)
		if err != nil {
			return Plan{}, fmt.Errorf("layout: second disk of the mirror: %w", err)
		}
		plan.Mirror = &second
	}
	for i, v := range l.Data {
		slices.Reverse(free) // the largest first
		disk, err := choose(&free, kept, v.Serial, minVolume)
		slices.Reverse(free)
		if err != nil {
			return Plan{}, fmt.Errorf("layout: data[%d] (%s): %w", i, v.Label, err)
		}
		plan.Data = append(plan.Data, Placed{v, disk})
	}
	return plan, nil
}

// minVolume is what mkfs.xfs wants at least (300 MiB since xfsprogs 5.19), with
// room for the partition table.
const minVolume = 304 << 20

// mirrorTail is more than what md keeps for itself at the end of each half: the
// superblock, and a bitmap of 128 KiB at most.
const mirrorTail = 4 << 20

// smaller puts flash before spinning disks, then by size, then by name: serials
// do not change between two boots, paths may.
func smaller(a, b Disk) bool {
	switch {
	case a.solid() != b.solid():
		return a.solid()
	case a.Size != b.Size:
		return a.Size < b.Size
	case a.Serial != b.Serial:
		return a.Serial < b.Serial
	}
	return a.Path < b.Path
}

// aside takes the disks that the layout names out of the free ones.
func (l Layout) aside(free *[]Disk) []Disk {
	var kept []Disk
	for _, named := range l.serials() {
		if i := slices.IndexFunc(*free, func(d Disk) bool { return d.is(named.serial) }); i >= 0 {
			kept = append(kept, (*free)[i])
			*free = slices.Delete(*free, i, i+1)
		}
	}
	return kept
}

// choose gives the disk that is named, or takes the first free one that is large
// enough.
func choose(free *[]Disk, kept []Disk, name string, need int64) (Disk, error) {
	if name != "" {
		i := slices.IndexFunc(kept, func(d Disk) bool { return d.is(name) })
		if i < 0 {
			return Disk{}, fmt.Errorf("%w: serial or WWN %q: the machine has %s", ErrNoDisk, name, names(*free, kept))
		}
		if kept[i].Size < need {
			return Disk{}, fmt.Errorf("%w: %s has %s, needed are %s", ErrTooSmall, kept[i], human(kept[i].Size), human(need))
		}
		return kept[i], nil
	}
	i := slices.IndexFunc(*free, func(d Disk) bool { return d.Size >= need })
	if i < 0 {
		return Disk{}, fmt.Errorf("%w: none of the free disks has %s: the machine has %s", ErrTooSmall, human(need), names(*free, kept))
	}
	disk := (*free)[i]
	*free = slices.Delete(*free, i, i+1)
	return disk, nil
}

func names(lists ...[]Disk) string {
	var all []string
	for _, disk := range slices.Concat(lists...) {
		all = append(all, fmt.Sprintf("%s of %s", disk, human(disk.Size)))
	}
	if all == nil {
		return "no disks"
	}
	return strings.Join(all, ", ")
}
