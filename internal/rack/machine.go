package rack

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"millwright/internal/metal"
	"millwright/internal/netrack"
	"millwright/internal/qemu"
)

// Machine is one server of the rack: a chassis with a BMC, a console, a disk
// and a NIC on a port of the switch.
type Machine struct {
	ID       metal.MachineID
	Firmware metal.Firmware
	MAC      string
	Disk     string // the file that is its disk
	Console  string // the file that has all it said

	bmc     *simulator
	chassis *chassis
	console *console
	kcs     *forward
}

// Sizes of a machine: what an installer and a small Debian need.
const (
	cores     = 2 // an installing system starts many things at once
	memoryMiB = 1024
	diskGB    = 4
)

func machineID(unit int) metal.MachineID { return metal.MachineID(fmt.Sprintf("q%d", unit+1)) }

// place is where a machine goes, and what it is.
type place struct {
	dir      string // for its files, in a folder of its own
	unit     int    // from 0
	firmware metal.Firmware
	host     *netrack.Host // whose eth0 is the cable to its port
	bmc      netip.Addr    // a loopback address that nobody else has
	tcg      bool
	note     func(string, time.Time) // is told what its chassis and its console do
}

// startMachine screws a machine together. It is off.
func startMachine(ctx context.Context, p place) (*Machine, error) {
	m := &Machine{
		ID: machineID(p.unit), Firmware: p.firmware,
		MAC: fmt.Sprintf("52:54:00:4d:57:%02x", p.unit+1),
	}
	dir := filepath.Join(p.dir, string(m.ID))
	m.Disk, m.Console = filepath.Join(dir, "disk.img"), filepath.Join(dir, "console.log")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if err := emptyDisk(m.Disk); err != nil {
		return nil, err
	}
	if err := bridge(ctx, p.host.Node); err != nil {
		return nil, err
	}
	if err := m.assemble(ctx, dir, p); err != nil {
		m.stop()
		return nil, fmt.Errorf("machine %s: %w", m.ID, err)
	}
	return m, nil
}

func (m *Machine) assemble(ctx context.Context, dir string, p place) (err error) {
	socket := filepath.Join(dir, "serial.sock")
	if m.console, err = openConsole(socket, netip.AddrPortFrom(p.bmc, solPort).String(), m.Console, p.note); err != nil {
		return err
	}
	m.chassis = &chassis{
		config: m.config(dir, socket, p),
		note:   func(event string) { p.note(chassisSays+event, time.Now()) },
	}
	program, err := m.chassis.serve(dir)
	if err != nil {
		return err
	}
	if m.bmc, err = startBMC(ctx, string(m.ID), dir, program, p.bmc); err != nil {
		return err
	}
	m.kcs, err = forwardInto(p.host.Node, kcsAtHost, m.bmc.host.String())
	return err
}

// chassisSays begins what a chassis notes; the console says all else.
const chassisSays = "chassis: "

// kcsAtHost is where QEMU, in the namespace of its port, finds its BMC.
const kcsAtHost = "127.0.0.1:9002"

func (m *Machine) config(dir, socket string, p place) qemu.Config {
	firmware := qemu.BIOS
	if m.Firmware == metal.UEFI {
		firmware = qemu.UEFI
	}
	return qemu.Config{
		Name: string(m.ID), Dir: dir, Firmware: firmware, Memory: memoryMiB, CPUs: cores, TCG: p.tcg,
		NICs:      []qemu.NIC{{MAC: m.MAC, Tap: tap}},
		Disks:     []qemu.Drive{{File: m.Disk, Serial: m.serial()}},
		Namespace: p.host.NetworkNamespace(),
		Serial:    "socket,path=" + socket,
		IPMI:      kcsAtHost,
	}
}

func (m *Machine) serial() string { return "MW-" + string(m.ID) }

// tap is QEMU's end of the cable. The bridge that joins it to the port passes
// everything but what bridges keep to themselves (IEEE 802.1D, table 7-10);
// group_fwd_mask lets LLDP pass that, too. The namespace itself is silent.
const (
	tap    = "tap0"
	cables = `for i in all default; do echo 1 >/proc/sys/net/ipv6/conf/$i/disable_ipv6; done
ip link add br0 type bridge forward_delay 0 mcast_snooping 0 group_fwd_mask 0x4000
ip tuntap add dev tap0 mode tap
for i in eth0 tap0; do ip link set $i master br0 up; done
ip link set br0 up`
)

func bridge(ctx context.Context, n *netrack.Node) error {
	_, err := n.Shell(ctx, cables)
	return err
}

// emptyDisk makes a disk that has never been written: a hole.
func emptyDisk(file string) error {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(f.Truncate(diskGB*1e9), f.Close())
}

// Kill pulls the machine's plug, as a power cut does.
func (m *Machine) Kill() { m.chassis.kill() }

func (m *Machine) stop() {
	if m.kcs != nil {
		m.kcs.close()
	}
	if m.bmc != nil {
		m.bmc.stop()
	}
	if m.chassis != nil && m.chassis.listener != nil {
		m.chassis.close()
	}
	if m.console != nil {
		m.console.close()
	}
}
