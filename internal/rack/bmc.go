package rack

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// simulator is OpenIPMI's simulator: it speaks IPMI over the LAN to a worker, KCS to
// its machine, and carries the machine's serial line over the LAN (SOL).
type simulator struct {
	lan      netip.AddrPort // UDP, where the worker finds it
	host     netip.AddrPort // TCP, where its machine's KCS finds it
	user     string
	password string

	process *exec.Cmd
	log     string
}

// Names and ports of a BMC, which has a loopback address of its own.
const (
	ipmiPort   = 623  // RMCP, as everywhere
	kcsPort    = 9002 // ipmi_sim's custom
	solPort    = 9003 // where the console takes SOL
	bmcUser    = "admin"
	bmcAnswers = 20 * time.Second // 0.1 s on an idle machine
)

// lanConf is ipmi_sim's: one LAN channel, one system interface, SOL from a TCP
// port. IPMI 2.0 knows passwords of 20 bytes, ipmi_sim those of 16.
const lanConf = `name %q
set_working_mc 0x20
startlan 1
  addr %s %d
  priv_limit admin
  allowed_auths_admin none md2 md5 straight
  guid %s
endlan
serial 15 %s %d codec VM
sol "tcp:%s:%d" 115200
chassis_control "%s 0x20"
user 2 true %q %q admin 10 none md2 md5 straight
`

// emulated is a controller that a Linux driver takes for a server's.
const emulated = `mc_setbmc 0x20
mc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02 persist_sdr
mc_enable 0x20
`

// startBMC starts a BMC at an address of its own, whose chassis is switched by
// the program. Its files, the password among them, are in dir.
func startBMC(ctx context.Context, name, dir, program string, at netip.Addr) (*simulator, error) {
	b := &simulator{
		lan: netip.AddrPortFrom(at, ipmiPort), host: netip.AddrPortFrom(at, kcsPort),
		user: bmcUser, password: rand.Text()[:16], log: filepath.Join(dir, "ipmi_sim.log"),
	}
	guid := make([]byte, 16)
	_, _ = rand.Read(guid) // never fails
	conf := fmt.Sprintf(lanConf, name, at, ipmiPort, hex.EncodeToString(guid), at, kcsPort, at, solPort, program, b.user, b.password)
	for file, text := range map[string]string{"lan.conf": conf, "sim.emu": emulated} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
			return nil, err
		}
	}
	state := filepath.Join(dir, "bmc-state")
	if err := os.MkdirAll(state, 0o700); err != nil {
		return nil, err
	}
	log, err := os.Create(b.log)
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }() // the child has its own
	// It dies of a machine that is switched off while it speaks to it, unless it
	// ignores SIGPIPE (seen in OpenIPMI 2.0.33).
	b.process = exec.Command("sh", "-c", `trap "" PIPE; exec ipmi_sim -n "$@"`, "sh",
		"-s", state, "-c", filepath.Join(dir, "lan.conf"), "-f", filepath.Join(dir, "sim.emu"))
	b.process.Stdout, b.process.Stderr = log, log
	b.process.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := b.process.Start(); err != nil {
		return nil, fmt.Errorf("start the BMC of %s (apt-get install openipmi): %w", name, err)
	}
	if err := b.await(ctx); err != nil {
		b.stop()
		return nil, fmt.Errorf("BMC of %s: %w", name, err)
	}
	return b, nil
}

// presence is RMCP's ping (IPMI 2.0, section 13.2.3). Anything answers it that
// takes IPMI on that port, without a session.
var presence = []byte{0x06, 0x00, 0xff, 0x06, 0x00, 0x00, 0x11, 0xbe, 0x80, 0x00, 0x00, 0x00}

// await waits until it answers over the LAN.
func (b *simulator) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, bmcAnswers)
	defer cancel()
	for {
		err := b.ping()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			said, _ := os.ReadFile(b.log)
			return fmt.Errorf("ipmi_sim does not answer at %s: %w: %s", b.lan, err, said)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (b *simulator) ping() error {
	conn, err := net.Dial("udp", b.lan.String())
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(500 * time.Millisecond))
	if _, err := conn.Write(presence); err != nil {
		return err
	}
	_, err = conn.Read(make([]byte, 64))
	return err
}

func (b *simulator) stop() {
	_ = b.process.Process.Kill()
	_ = b.process.Wait()
}
