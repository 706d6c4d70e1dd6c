package ipmitest

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

// Password is every such BMC's; its user is admin.
const Password = "correct-horse-19"

// patience is what ipmi_sim gets to open its serial port: it tries every few
// seconds.
const patience = 30 * time.Second

// BMC is one ipmi_sim and the machine behind its serial port.
type BMC struct {
	Port int // of IPMI, on 127.0.0.1

	folder string
	serial net.Listener
	cables chan net.Conn
	stop   func()
}

// Start starts a BMC that ends with the test.
func Start(t testing.TB) *BMC {
	t.Helper()
	_, err := exec.LookPath("ipmi_sim")
	require.NoError(t, err, "this test needs ipmi_sim: apt install openipmi")
	b := &BMC{Port: freePort(t), folder: t.TempDir(), cables: make(chan net.Conn, 10)}
	b.serial, err = net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { b.serial.Close() })
	go b.accept()
	b.write(t, "chassis", chassis, 0o755)
	b.write(t, "power", "0\n", 0o644)
	b.write(t, "boot", "default\n", 0o644)
	b.write(t, "sim.emu", "mc_setbmc 0x20\nmc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02 persist_sdr\nmc_enable 0x20\n", 0o644)
	b.write(t, "lan.conf", fmt.Sprintf(config, b.Port, b.serial.Addr(), filepath.Join(b.folder, "chassis"), Password), 0o644)
	b.Restart(t)
	return b
}

// Record is how a site file would describe it.
func (b *BMC) Record(machine metal.MachineID) metal.BMC {
	return metal.BMC{
		Machine: machine, Address: fmt.Sprintf("127.0.0.1:%d", b.Port), Protocol: metal.IPMI,
		Credential: "bmc", CipherSuite: "3",
	}
}

// Stop pulls the BMC's plug: nobody is told.
func (b *BMC) Stop() { b.stop() }

// Restart starts it, after Stop once more.
func (b *BMC) Restart(t testing.TB) {
	t.Helper()
	state := filepath.Join(b.folder, "state")
	require.NoError(t, os.MkdirAll(state, 0o755))
	sim := exec.Command("ipmi_sim", "-n", "-s", state, "-c", filepath.Join(b.folder, "lan.conf"), "-f", filepath.Join(b.folder, "sim.emu"))
	require.NoError(t, sim.Start())
	b.stop = sync.OnceFunc(func() {
		_ = sim.Process.Kill()
		_ = sim.Wait()
	})
	t.Cleanup(b.stop)
}

// Machine is the machine's end of the serial cable; after a restart of the BMC
// there is another one.
func (b *BMC) Machine(t testing.TB) net.Conn {
	t.Helper()
	select {
	case conn := <-b.cables:
		t.Cleanup(func() { conn.Close() })
		return conn
	case <-time.After(patience):
		t.Fatal("ipmi_sim does not open its serial port")
		return nil
	}
}

func (b *BMC) accept() {
	for {
		conn, err := b.serial.Accept()
		if err != nil {
			return
		}
		b.cables <- conn
	}
}

func (b *BMC) write(t testing.TB, name, content string, mode os.FileMode) {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Join(b.folder, name), []byte(content), mode))
}

func freePort(t testing.TB) int {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	require.NoError(t, err)
	defer conn.Close()
	return conn.LocalAddr().(*net.UDPAddr).Port
}

const config = `name "millwright"
set_working_mc 0x20
startlan 1
  addr 127.0.0.1 %d
  priv_limit admin
  allowed_auths_admin none md2 md5 straight
  guid a123456789abcdefa123456789abcdef
endlan
sol "tcp:%s" 115200
chassis_control "%s 0x20"
user 2 true "admin" "%s" admin 10 none md2 md5 straight
`

// chassis is the program that ipmi_sim asks about its chassis: "0x20 get power".
const chassis = `#!/bin/sh
cd "$(dirname "$0")"
op=$2; shift 2
while [ -n "$1" ]; do
	if [ $op = get ]; then echo "$1:$(cat $1)"; shift
	else echo "$2" >$1; shift 2; fi
done
`
