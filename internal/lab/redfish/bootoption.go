package redfish

import (
	"fmt"
	"net/http"
	"slices"
)

// bootOption is an entry of the firmware's boot menu.
type bootOption struct {
	id, name, path string
	disabled       bool
}

// What a machine comes with, and what somebody may have added: an entry that
// starts a boot loader of their own.
var (
	usualEntries = []bootOption{
		{id: "Boot0001", name: "UEFI PXEv4 NIC 1", path: "PciRoot(0x0)/Pci(0x1,0x0)/Pci(0x0,0x0)/MAC(020000000001,0x1)/IPv4(0.0.0.0)"},
		{id: "Boot0002", name: "UEFI Hard Disk 1", path: "PciRoot(0x0)/Pci(0x17,0x0)/Sata(0x0,0xFFFF,0x0)"},
	}
	foreignEntry = bootOption{id: "Boot0010", name: "their-system", path: `HD(1,GPT,5E1F)/\EFI\theirs\shimx64.efi`}
)

// bootOptions are in their order. It wants the lock, as all that follows does.
func (b *BMC) bootOptions() []bootOption {
	if b.entries == nil {
		return usualEntries
	}
	return b.entries
}

func (b *BMC) optionIDs() []string {
	ids := []string{}
	for _, o := range b.bootOptions() {
		ids = append(ids, o.id)
	}
	return ids
}

func (b *BMC) optionView(id string) object {
	i := b.option(id)
	if i < 0 {
		return nil
	}
	o := b.bootOptions()[i]
	return resource(optionsPath+"/"+id, "BootOption.v1_0_4.BootOption", o.name, object{
		"BootOptionReference": id, "DisplayName": o.name, "UefiDevicePath": o.path, "BootOptionEnabled": !o.disabled,
	})
}

func (b *BMC) option(id string) int {
	return slices.IndexFunc(b.bootOptions(), func(o bootOption) bool { return o.id == id })
}

// reorder wants every entry named, once: what a BMC would do with the others
// differs from one vendor to the next.
func (b *BMC) reorder(order []string) error {
	if order == nil {
		return nil
	}
	var ordered []bootOption
	for _, id := range order {
		i := b.option(id)
		if i < 0 || slices.Contains(ordered, b.bootOptions()[i]) {
			return fmt.Errorf("boot order: %q: want each of %v once", id, b.optionIDs())
		}
		ordered = append(ordered, b.bootOptions()[i])
	}
	if len(ordered) != len(b.bootOptions()) {
		return fmt.Errorf("boot order: %v: want each of %v once", order, b.optionIDs())
	}
	b.entries = ordered
	return nil
}

func patchOption(b *BMC, w http.ResponseWriter, r *http.Request, body []byte) {
	var patch struct{ BootOptionEnabled *bool }
	if !read(w, body, &patch) {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	i := b.option(base(r))
	if i < 0 {
		notFound(w, r)
		return
	}
	if patch.BootOptionEnabled != nil {
		b.entries = slices.Clone(b.bootOptions())
		b.entries[i].disabled = !*patch.BootOptionEnabled
		b.version++
	}
	w.WriteHeader(http.StatusNoContent)
}

func deleteOption(b *BMC, w http.ResponseWriter, r *http.Request, _ []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	i := b.option(base(r))
	if i < 0 {
		notFound(w, r)
		return
	}
	b.entries = slices.Delete(slices.Clone(b.bootOptions()), i, i+1)
	b.version++
	w.WriteHeader(http.StatusNoContent)
}
