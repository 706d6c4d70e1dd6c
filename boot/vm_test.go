package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
	"millwright/internal/qemu"
)

// Words by which a machine shows where it has come to.
const (
	diskWord   = "MILLWRIGHT-DISK"
	kernelWord = "MILLWRIGHT-KERNEL"
)

// bootLimit is for an emulated machine beside another one on two cores. OVMF
// asks each protocol that its network card has, and waits a minute for each
// that does not answer.
const bootLimit = 80 * time.Second

// machineRoom is how many of them run at once.
var machineRoom = make(chan struct{}, 2)

// vmTest is a machine of QEMU's on port swp1.
type vmTest struct {
	*cabled
	vm      *qemu.VM
	console *journal
	word    string // what the kernel says
	began   time.Time
}

const tapPort = "ip tuntap add dev swp1 mode tap"

// powerOn cables and starts a machine that boots from the network first.
func powerOn(t *testing.T, firmware qemu.Firmware) *vmTest {
	t.Helper()
	dir := t.TempDir()
	v := &vmTest{cabled: cable(t, tapPort, func(c *Config) { c.AgentFolder = dir }), console: &journal{}}
	machine := metal.BIOS
	if firmware != qemu.BIOS {
		machine = metal.UEFI
	}
	v.w.change("m1", func() { m := v.w.machines["m1"]; m.Firmware = machine; v.w.machines["m1"] = m })
	v.eventually("memory follows", func() bool { m, _ := v.srv.view.byIDForTest("m1"); return m.Firmware == machine })
	v.word = v.kernel(dir, machine)
	disk := filepath.Join(dir, "disk.img")
	require.NoError(t, qemu.WriteWordDisk(disk, diskWord))
	v.began = time.Now()
	vm, err := qemu.Start(t.Context(), qemu.Config{
		Name: "m1", Dir: dir, Firmware: firmware, First: qemu.Network, Namespace: v.sw.ns, Console: v.console, TCG: true,
		NICs: []qemu.NIC{{MAC: vmMAC, Tap: "swp1"}}, Disks: []qemu.Drive{{File: disk}},
	})
	require.NoError(t, err)
	t.Cleanup(vm.Kill)
	v.vm = vm
	return v
}

// kernel puts into the agent's folder what says a word when it is started: on
// UEFI a program, on a BIOS iPXE itself, which is a Linux kernel to whoever
// loads it, and complains of the agent's arguments because it has no such
// commands.
func (v *vmTest) kernel(dir string, f metal.Firmware) (word string) {
	kernel, initrd := filepath.Join(dir, "vmlinuz"), filepath.Join(dir, "initrd.img")
	require.NoError(v.t, os.WriteFile(initrd, []byte("a RAM disk"), 0o600))
	if f == metal.UEFI {
		require.NoError(v.t, qemu.WriteWordProgram(kernel, kernelWord))
		return kernelWord
	}
	lkrn, err := os.ReadFile("/usr/lib/ipxe/ipxe.lkrn")
	require.NoError(v.t, err)
	require.NoError(v.t, os.WriteFile(kernel, lkrn, 0o600))
	return "millwright.boot=7: command not found"
}

// sees waits until something holds, and notes how long that took.
func (v *vmTest) sees(what string, holds func() bool) {
	v.t.Helper()
	for deadline := time.Now().Add(bootLimit); !holds(); time.Sleep(20 * time.Millisecond) {
		require.True(v.t, time.Now().Before(deadline), "%s\nlog: %s\nconsole: %s\nrelays: %s %s",
			what, last(v.log.String()), last(v.console.String()), last(v.relay.said.String()), last(v.relay6.said.String()))
	}
	v.t.Logf("%.1f s: %s", time.Since(v.began).Seconds(), what)
}

func last(text string) string { return text[max(0, len(text)-4000):] }

func (v *vmTest) asked(client, outcome string) func() bool {
	return func() bool {
		return v.metric(`millwright_dhcp_requests_total{client="`+client+`",outcome="`+outcome+`",type="discover"}`) != ""
	}
}

func (v *vmTest) logs(words string) func() bool {
	return func() bool { return strings.Contains(v.log.String(), words) }
}

func (v *vmTest) says(word string) func() bool {
	return func() bool { return strings.Contains(v.console.String(), word) }
}

func (v *vmTest) reset() {
	v.log.Reset()
	v.console.Reset()
	v.began = time.Now()
	require.NoError(v.t, v.vm.Reset(v.t.Context()))
}

// link plugs the network cable in or out. OVMF, once the protocol that it began
// with has led to iPXE and back, tries the others of its card in turn, with the
// same answer; without a cable it goes on to the disk.
func (v *vmTest) link(up bool) {
	_, err := v.vm.QMP(v.t.Context(), "set_link", map[string]any{"name": "net0", "up": up})
	require.NoError(v.t, err)
}

// Each firmware, from the power button on: to its disk while nothing else is
// intended, to the agent's kernel and RAM disk when that is, and nowhere when
// nobody knows the machine any more.
func bootsAsIntended(t *testing.T, firmware qemu.Firmware, rom string, fetched ...string) {
	machineRoom <- struct{}{}
	defer func() { <-machineRoom }()
	if !alone(t) {
		return
	}
	v := powerOn(t, firmware)
	v.agentIntent("m1", 7, metal.AgentJob{Job: metal.JobWait})
	v.sees("DHCP is answered", v.asked(rom, "offered"))
	for _, name := range fetched {
		v.sees(name+" is fetched", v.logs(name))
	}
	v.sees("the script of the agent is fetched", v.logs("kind=agent"))
	v.sees("the kernel is fetched", v.logs("path=/agent-files/vmlinuz"))
	v.sees("the RAM disk is fetched", v.logs("path=/agent-files/initrd.img"))
	require.NotContains(t, v.console.String(), diskWord)
	v.sees("the kernel runs", v.says(v.word))

	v.setJob("m1", metal.AgentJob{Job: metal.JobLeave}, false)
	v.eventually("memory follows", func() bool { m, _ := v.srv.view.byIDForTest("m1"); return !m.Intent.Agent })
	v.reset()
	v.sees("the script of the disk is fetched", v.logs("kind=disk"))
	v.link(false)
	v.sees("the disk boots", v.says(diskWord))
	v.link(true)

	v.w.change("m1", func() { delete(v.w.machines, "m1") })
	v.eventually("memory forgets", func() bool { return !v.srv.view.has("m1") })
	v.reset()
	v.sees("a stranger is reported", v.logs("DHCP: a stranger"))
	require.Contains(t, v.log.String(), vmMAC)
	require.NotContains(t, v.log.String(), "boot script", "and gets nothing")
	require.NotContains(t, v.log.String(), "msg=request")
}

func TestABIOSBootsAsIntended(t *testing.T) {
	t.Parallel()
	bootsAsIntended(t, qemu.BIOS, "ipxe") // the ROM is iPXE, and asks for the script at once
}

func TestUEFIBootsByPXEAsIntended(t *testing.T) {
	t.Parallel()
	bootsAsIntended(t, qemu.UEFI, "pxe-x64", "file=snponly.efi")
}

func TestUEFIBootsByHTTPAsIntended(t *testing.T) {
	t.Parallel()
	bootsAsIntended(t, qemu.UEFIHTTP, "http-x64", "path=/snponly.efi")
}
