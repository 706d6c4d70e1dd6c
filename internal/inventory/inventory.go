package inventory

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"millwright/internal/drive"
)

// MaxSize bounds the JSON of an inventory: it travels in one report.
const MaxSize = 200_000

// Inventory is what a machine is made of.
type Inventory struct {
	System System   `json:"system"`
	BIOS   BIOS     `json:"bios"`
	UEFI   bool     `json:"uefi"` // how this system was booted, which is how the next one will be
	CPUs   []CPU    `json:"cpus"`
	Memory Memory   `json:"memory"`
	Disks  []Disk   `json:"disks"`
	NICs   []NIC    `json:"nics"`
	BMC    *BMC     `json:"bmc,omitempty"`
	RAID   []Device `json:"raid,omitempty"` // controllers that may hide disks behind volumes
	PCI    []Device `json:"pci,omitempty"`  // without bridges and the like
	Notes  []string `json:"notes,omitempty"`
}

// System is the label on the machine, as its firmware knows it.
type System struct {
	Vendor  string `json:"vendor,omitempty"`
	Product string `json:"product,omitempty"`
	Serial  string `json:"serial,omitempty"`
	UUID    string `json:"uuid,omitempty"`
}

// BIOS is the firmware, whichever kind it is.
type BIOS struct {
	Vendor  string `json:"vendor,omitempty"`
	Version string `json:"version,omitempty"`
	Date    string `json:"date,omitempty"` // in the firmware's own notation
}

// CPU is one socket.
type CPU struct {
	Socket  int    `json:"socket"`
	Model   string `json:"model,omitempty"`
	Cores   int    `json:"cores"`
	Threads int    `json:"threads"`
}

// Memory is in bytes. Total is that of the modules where they are known, and
// what the kernel has otherwise.
type Memory struct {
	Total int64  `json:"total"`
	DIMMs []DIMM `json:"dimms,omitempty"`
}

// DIMM is a module in its slot. Empty slots are not listed.
type DIMM struct {
	Slot   string `json:"slot,omitempty"`
	Size   int64  `json:"size"`
	Speed  int    `json:"mts,omitempty"` // as configured, in MT/s
	Maker  string `json:"maker,omitempty"`
	Part   string `json:"part,omitempty"`
	Serial string `json:"serial,omitempty"`
}

// Disk is a disk and how it is.
type Disk struct {
	drive.Disk
	Health drive.Health `json:"health"`
}

// reader collects, and notes what it cannot read. Its methods may run at once.
type reader struct {
	root  string
	found Inventory
	mu    sync.Mutex
}

// maxNotes and maxText keep a machine that has much to complain of within MaxSize.
const (
	maxNotes = 100
	maxText  = 200
	maxList  = 256 // of any kind of part
)

func (r *reader) note(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.found.Notes) < maxNotes {
		r.found.Notes = append(r.found.Notes, clip(fmt.Sprintf(format, args...)))
	}
}

// clip takes from a text what does not print, and its end.
func clip(text string) string {
	text = strings.TrimSpace(strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f || c == '\ufffd' {
			return -1
		}
		return c
	}, text))
	return strings.ToValidUTF8(text[:min(len(text), maxText)], "")
}

// Read looks at the machine whose files are under root: "/", or a recorded tree,
// of which no device is asked anything. It never fails; neighbours are not
// listened for.
func Read(ctx context.Context, root string) Inventory {
	r := &reader{root: root}
	r.firmware()
	r.processors()
	r.memory()
	r.disks(ctx)
	r.nics()
	r.pci()
	r.bmc(ctx)
	r.bound()
	return r.found
}

// live says that root is this very machine, so that devices can be asked.
func (r *reader) live() bool { return filepath.Clean(r.root) == "/" }

func (r *reader) path(parts ...string) string {
	return filepath.Join(append([]string{r.root}, parts...)...)
}

// text is a file's content, or nothing: on most machines most files are missing.
func (r *reader) text(parts ...string) string {
	content, err := os.ReadFile(r.path(parts...))
	if err != nil {
		return ""
	}
	return clip(string(content))
}

// number is a file's, or -1.
func (r *reader) number(parts ...string) int {
	n, err := strconv.Atoi(r.text(parts...))
	if err != nil {
		return -1
	}
	return n
}

// target is the last part of a symbolic link.
func (r *reader) target(parts ...string) string {
	link, err := os.Readlink(r.path(parts...))
	if err != nil {
		return ""
	}
	return filepath.Base(link)
}

func (r *reader) list(parts ...string) []string {
	entries, err := os.ReadDir(r.path(parts...))
	if err != nil {
		r.note("%v", err)
		return nil
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

// bound cuts what is least missed until the JSON is small enough.
func (r *reader) bound() {
	r.found.PCI, r.found.RAID = head(r.found.PCI), head(r.found.RAID)
	r.found.Disks, r.found.NICs = head(r.found.Disks), head(r.found.NICs)
	r.found.Memory.DIMMs, r.found.CPUs = head(r.found.Memory.DIMMs), head(r.found.CPUs)
	for _, cut := range []func(){
		func() {},
		func() { r.found.PCI = nil },
		func() { r.found.Memory.DIMMs = nil },
		func() { r.found.NICs = r.found.NICs[:min(len(r.found.NICs), maxList/4)] },
		func() { r.found.Disks = r.found.Disks[:min(len(r.found.Disks), maxList/4)] },
		func() { r.found.Notes = nil },
	} {
		cut()
		if r.size() <= MaxSize {
			return
		}
		r.note("cut: the inventory is larger than %d bytes", MaxSize)
	}
}

func head[T any](list []T) []T { return list[:min(len(list), maxList)] }

func (r *reader) size() int {
	text, err := json.Marshal(r.found)
	if err != nil {
		return 0
	}
	return len(text)
}
