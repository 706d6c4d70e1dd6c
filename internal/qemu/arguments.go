package qemu

import (
	"fmt"
	"net"
	"strconv"
)

const program = "qemu-system-x86_64"

// buses are QEMU's devices for a drive. The q35 board has an AHCI controller of
// its own, with six ports.
var buses = map[Bus]string{Virtio: "virtio-blk-pci", NVMe: "nvme", AHCI: "ide-hd"}

// qmpFile is the number of the inherited descriptor that QMP speaks on.
const qmpFile = 3

// arguments are QEMU's, but for the firmware's.
func (c Config) arguments() []string {
	args := []string{
		"-name", c.Name, "-nodefaults", "-no-user-config", "-display", "none",
		// Without graphics SeaBIOS and iPXE write to the serial line.
		"-machine", "q35,graphics=off", "-cpu", "max",
		"-smp", strconv.Itoa(c.CPUs), "-m", strconv.Itoa(c.Memory),
		"-device", "virtio-rng-pci", // a guest that waits for entropy boots minutes later
		"-chardev", fmt.Sprintf("socket,id=qmp,fd=%d", qmpFile), "-mon", "chardev=qmp,mode=control",
	}
	args = append(args, c.accelerators()...)
	args = append(args, c.console()...)
	for i, n := range c.NICs {
		args = append(args, c.nic(i, n)...)
	}
	for i, d := range c.Disks {
		args = append(args, c.drive(i, d)...)
	}
	args = append(args, c.bmc()...)
	return append(append(args, c.linux()...), c.More...)
}

// accelerators are tried in order. A translation cache of 256 MiB is what keeps
// a kernel's boot from being translated twice; the default is a quarter of the
// host's memory.
func (c Config) accelerators() []string {
	tcg := []string{"-accel", "tcg,thread=multi,tb-size=256"}
	if c.TCG {
		return tcg
	}
	return append([]string{"-accel", "kvm"}, tcg...)
}

// console is QEMU's standard output, unless it is to be something else.
func (c Config) console() []string {
	device := "stdio,id=console,signal=off"
	if c.Serial != "" {
		device = c.Serial + ",id=console"
	}
	return []string{"-chardev", device, "-serial", "chardev:console"}
}

// nic leaves out the ROM where OVMF has a driver: it would boot iPXE of 2019
// in place of the firmware's own network boot, which is what is wanted here.
func (c Config) nic(i int, n NIC) []string {
	model := n.Model
	if model == "" {
		model = "virtio-net-pci"
	}
	if c.Firmware != BIOS && model == "virtio-net-pci" {
		model += ",romfile="
	}
	end := fmt.Sprintf("user,id=net%d", i)
	switch {
	case n.Tap != "":
		end = fmt.Sprintf("tap,id=net%d,ifname=%s,script=no,downscript=no", i, n.Tap)
	case n.User != "":
		end += "," + n.User
	}
	device := fmt.Sprintf("%s,id=nic%d,netdev=net%d,bootindex=%d", model, i, i, c.nicIndex(c.First, i))
	if n.MAC != "" {
		device += ",mac=" + n.MAC
	}
	return []string{"-netdev", end, "-device", device}
}

// drive never waits for the host's disk: what a dying host loses was a test's.
func (c Config) drive(i int, d Drive) []string {
	format, bus, serial := d.Format, d.Bus, d.Serial
	if format == "" {
		format = "raw"
	}
	if bus == "" {
		bus = Virtio
	}
	if serial == "" {
		serial = fmt.Sprintf("%s-%d", c.Name, i)
	}
	device := fmt.Sprintf("%s,id=disk%d,drive=drive%d,serial=%s,bootindex=%d", buses[bus], i, i, serial, c.diskIndex(c.First, i))
	if bus == AHCI {
		device += fmt.Sprintf(",bus=ide.%d", i)
	}
	return []string{
		"-drive", fmt.Sprintf("file=%s,format=%s,if=none,id=drive%d,cache=unsafe,discard=unmap,detect-zeroes=unmap", d.File, format, i),
		"-device", device,
	}
}

// The firmware tries devices in the order of their index. SeaBIOS and OVMF both
// follow it; only SeaBIOS follows -boot order.
func (c Config) nicIndex(first Device, i int) int {
	if first == Network {
		return i
	}
	return len(c.Disks) + i
}

func (c Config) diskIndex(first Device, i int) int {
	if first == Network {
		return len(c.NICs) + i
	}
	return i
}

// bmc joins the machine to its BMC by KCS, as servers have it.
func (c Config) bmc() []string {
	if c.IPMI == "" {
		return nil
	}
	host, port, _ := net.SplitHostPort(c.IPMI)
	return []string{
		"-chardev", fmt.Sprintf("socket,id=ipmi,host=%s,port=%s,reconnect=10", host, port),
		"-device", "ipmi-bmc-extern,id=bmc,chardev=ipmi", "-device", "isa-ipmi-kcs,bmc=bmc",
	}
}

func (c Config) linux() []string {
	if c.Kernel == "" {
		return nil
	}
	args := []string{"-kernel", c.Kernel, "-append", c.Append}
	if c.Initrd != "" {
		args = append(args, "-initrd", c.Initrd)
	}
	return args
}
