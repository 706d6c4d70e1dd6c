package netboot

import (
	"fmt"
	"strings"

	"millwright/internal/metal"
)

// Names of the agent's files under the site's /agent-files/.
const (
	Kernel = "vmlinuz"
	Initrd = "initrd.img"
)

// Kernel arguments by which the agent learns what it is to serve.
const (
	ArgBoot  = "millwright.boot"
	ArgToken = "millwright.token"
	ArgURL   = "millwright.url"
)

// Agent is what a script needs to start the agent.
type Agent struct {
	URL       string // the site's boot service as the agent knows it, without a slash at the end
	From      string // the boot service as iPXE reaches it: over IPv6 it is not URL
	Machine   metal.MachineID
	Boot      metal.BootNumber
	Token     string
	Arguments string // further kernel arguments of the site, such as its consoles
}

// Script boots the agent. Whatever goes wrong on the way, it asks for a new
// script: nothing on the disk may start while the intent is the agent.
func (a Agent) Script() string {
	// initrd= is for UEFI, where the kernel finds its initrd by that name. BOOTIF
	// names the NIC that iPXE booted from, in the words of PXELINUX, so that the
	// agent need not ask on every link.
	arguments := strings.TrimSpace(fmt.Sprintf("initrd=%s %s=%d %s=%s %s=%s BOOTIF=01-${mac:hexhyp} %s",
		Initrd, ArgBoot, a.Boot, ArgToken, a.Token, ArgURL, a.URL, a.Arguments))
	return fmt.Sprintf(`#!ipxe
echo Millwright: %s boots the agent, boot %d
kernel %s/agent-files/%s %s || goto again
initrd %s/agent-files/%s || goto again
boot || goto again
%s`, a.Machine, a.Boot, a.From, Kernel, arguments, a.From, Initrd, again(a.From))
}

// Wait keeps a machine from its disk until the boot service can ask Postgres
// what the machine is to do.
func Wait(url string, m metal.MachineID) string {
	return fmt.Sprintf("#!ipxe\necho Millwright: %s waits for its instructions\n%s", m, again(url))
}

// again frees what was loaded, so that a retry does not fill the memory, and
// replaces the script rather than nest one in another. Without the ||, a key
// pressed on the console ends the sleep, then the script, and so reaches the
// disk. With 1,000 machines waiting it is 200 small requests a second.
func again(url string) string {
	return fmt.Sprintf(`:again
imgfree
sleep 5 ||
chain --replace --autofree %s/boot.ipxe || goto again
`, url)
}

// Disk boots the installed system.
//
// A BIOS that iPXE returns to does not always go on to the disk, so iPXE
// starts it, and falls back to leaving. UEFI starts its own boot entries, but
// only after a program that *failed*: after a success it shows its boot menu
// (UEFI 2.10 section 3.1.1; seen on Dell R730 and Lenovo XCC, netboot.xyz
// #1276). Hence the 1.
func Disk(f metal.Firmware, m metal.MachineID) string {
	how := "sanboot --no-describe --drive 0x80 || exit"
	if f == metal.UEFI {
		how = "exit 1"
	}
	return fmt.Sprintf("#!ipxe\necho Millwright: %s boots its disk\n%s\n", m, how)
}
