package fitness

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"millwright/internal/inventory"
	"millwright/internal/metal"
)

// comparison is one machine that is held against its records.
type comparison struct {
	metal.Declared
	is    inventory.Inventory
	found findings
}

// Compare says where what an agent found is not what is declared. What is not
// declared is not compared. Hardware is the JSON of an inventory.Inventory, or
// nothing: then there is one finding, NoInventory, which is a note. Whoever has to
// prove a machine takes it for more.
func Compare(d metal.Declared, hardware json.RawMessage) []metal.Finding {
	c := comparison{Declared: d}
	is, err := read(hardware)
	if err != nil {
		c.found.add(metal.NoInventory, "", "%v", err)
		return c.found.ordered()
	}
	c.is = is
	c.processors()
	c.memory()
	c.disks()
	c.disksHealth()
	c.nics()
	c.bootMode()
	c.firmware()
	c.serial()
	return c.found.ordered()
}

func read(hardware json.RawMessage) (is inventory.Inventory, err error) {
	if text := bytes.TrimSpace(hardware); len(text) == 0 || bytes.Equal(text, []byte("null")) {
		return is, errors.New("nobody has said what the machine is made of in this boot")
	}
	if err := json.Unmarshal(hardware, &is); err != nil {
		return is, fmt.Errorf("what was said of the machine cannot be read: %w", err)
	}
	return is, nil
}

func (c *comparison) processors() {
	want, have := c.Fitness.Cores, 0
	var sockets []string
	for _, cpu := range c.is.CPUs {
		have += cpu.Cores
		sockets = append(sockets, fmt.Sprintf("socket %d has %d of %s", cpu.Socket, cpu.Cores, cpu.Model))
	}
	if want == 0 || have == want {
		return
	}
	c.found.add(metal.WrongCPU, "", "the plan says %d cores, and there are %d: %s", want, have, listed(sockets))
}

// memory is exact where the modules are known. The kernel's total is what the
// firmware left over: on a machine of 1 TiB that was 16 GiB less.
func (c *comparison) memory() {
	const gib = 1 << 30
	want := int64(c.Fitness.MemoryGiB)
	if want == 0 {
		return
	}
	have, how := c.is.Memory.Total/gib, "as the kernel counts"
	short, long := c.is.Memory.Total < want*gib/10*9, c.is.Memory.Total > want*gib/10*11
	if modules, sum := modules(c.is.Memory.DIMMs); len(modules) > 0 {
		// Whole GiB: some boards list the flash of their firmware as a module of 16 MiB.
		have, how = sum/gib, listed(modules)
		short, long = have < want, have > want
	}
	switch {
	case short:
		c.found.add(metal.MissingMemory, "", "the plan says %d GiB, and there are %d: %s", want, have, how)
	case long:
		c.found.add(metal.WrongMemory, "", "the plan says %d GiB, and there are %d: %s", want, have, how)
	}
}

func modules(dimms []inventory.DIMM) (all []string, sum int64) {
	for _, d := range dimms {
		all = append(all, fmt.Sprintf("%s %d MiB", d.Slot, d.Size>>20))
		sum += d.Size
	}
	return all, sum
}

func (c *comparison) bootMode() {
	want, is := c.Firmware, metal.BIOS
	if c.is.UEFI {
		is = metal.UEFI
	}
	if want != "" && want != is {
		c.found.add(metal.WrongBootMode, "", "declared is %s, and it booted by %s", want, is)
	}
}

// listed is what there is, or that there is none.
func listed(all []string) string {
	if len(all) == 0 {
		return "none is listed"
	}
	return strings.Join(all, ", ")
}
