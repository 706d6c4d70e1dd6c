package bmc_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/bmc"
	"millwright/internal/metal"
)

// simulator is Debian's ipmi_sim: an IPMI BMC that somebody else wrote.
type simulator struct {
	folder  string // its chassis is files: power, boot
	sensors string // where it reads sensors from
	port    int
	stop    func() // pulls its plug
	driver  *bmc.Driver
	record  metal.BMC
}

// control is the program that ipmi_sim asks about its chassis and tells what
// to do: "0x20 get power", "0x20 set boot pxe".
const control = `#!/bin/sh
cd "$(dirname "$0")"
op=$2; shift 2
while [ -n "$1" ]; do
	if [ $op = get ]; then echo "$1:$(cat $1)"; shift
	else echo "$1=$2" >>log; echo "$2" >$1; shift 2; fi
done
`

// setupIPMI starts a BMC; more are lines for its lan.conf.
func setupIPMI(t *testing.T, more ...string) *simulator {
	t.Helper()
	needProgram(t, "ipmi_sim", "openipmi")
	needProgram(t, "ipmitool", "ipmitool")
	s := &simulator{folder: t.TempDir(), port: freeUDPPort(t)}
	s.write(t, "chassis", control, 0o755)
	s.write(t, "power", "0\n", 0o644)
	s.write(t, "boot", "default\n", 0o644)
	s.write(t, "sim.emu", "mc_setbmc 0x20\nmc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02 persist_sdr\nmc_enable 0x20\n", 0o644)
	s.write(t, "lan.conf", fmt.Sprintf(lanConfig, s.port, filepath.Join(s.folder, "chassis"), password)+strings.Join(more, "\n"), 0o644)
	s.start(t)
	s.record = metal.BMC{
		Machine: "m8", Address: fmt.Sprintf("127.0.0.1:%d", s.port), Protocol: metal.IPMI,
		Credential: "bmc/m8", CipherSuite: "3",
	}
	s.driver = driverWith(password)
	s.await(t)
	return s
}

const lanConfig = `name "millwright"
set_working_mc 0x20
startlan 1
  addr 127.0.0.1 %d
  priv_limit admin
  allowed_auths_admin none md2 md5 straight
  guid a123456789abcdefa123456789abcdef
endlan
chassis_control "%s 0x20"
user 2 true "admin" "%s" admin 10 none md2 md5 straight
`

func needProgram(t *testing.T, program, debianPackage string) {
	t.Helper()
	_, err := exec.LookPath(program)
	require.NoError(t, err, "this test needs %s: apt install %s", program, debianPackage)
}

func freeUDPPort(t *testing.T) int {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	require.NoError(t, err)
	defer conn.Close()
	return conn.LocalAddr().(*net.UDPAddr).Port
}

func (s *simulator) write(t *testing.T, name, content string, mode os.FileMode) {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Join(s.folder, name), []byte(content), mode))
}

func (s *simulator) read(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(s.folder, name))
	require.NoError(t, err)
	return string(content)
}

func (s *simulator) start(t *testing.T) {
	t.Helper()
	state := filepath.Join(s.folder, "state")
	require.NoError(t, os.MkdirAll(state, 0o755))
	sim := exec.Command("ipmi_sim", "-n", "-s", state,
		"-c", filepath.Join(s.folder, "lan.conf"), "-f", filepath.Join(s.folder, "sim.emu"))
	require.NoError(t, sim.Start())
	s.stop = sync.OnceFunc(func() {
		_ = sim.Process.Kill()
		_ = sim.Wait()
	})
	t.Cleanup(s.stop)
}

// await waits until the simulator answers.
func (s *simulator) await(t *testing.T) {
	t.Helper()
	require.Eventually(t, func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := s.driver.Power(ctx, s.record)
		return err == nil
	}, 20*time.Second, 10*time.Millisecond, "ipmi_sim does not answer")
}

func driverWith(secret string) *bmc.Driver {
	return &bmc.Driver{
		Credentials: func(context.Context, string) (metal.Credential, error) {
			return metal.Credential{User: "admin", Password: secret}, nil
		},
		Request: 20 * time.Second,
		Settle:  5 * time.Second,
	}
}

func TestIPMIPowersOnFromTheDevice(t *testing.T) {
	t.Parallel()
	s := setupIPMI(t)
	require.NoError(t, s.driver.PowerOn(t.Context(), s.record, metal.BootNetwork, metal.UEFI))
	require.Equal(t, "boot=pxe\npower=1\n", s.read(t, "log"), "the device first, then power")

	got, err := s.driver.Power(t.Context(), s.record)
	require.NoError(t, err)
	require.Equal(t, metal.On, got)

	require.NoError(t, s.driver.SetPower(t.Context(), s.record, metal.Off))
	require.NoError(t, s.driver.SetPower(t.Context(), s.record, metal.Off))
	require.NoError(t, s.driver.BootOnce(t.Context(), s.record, metal.BootDisk, metal.BIOS))
	// ipmi_sim calls the disk "default".
	require.Equal(t, "boot=pxe\npower=1\npower=0\nboot=default\n", s.read(t, "log"))
}

func TestIPMIPowerThatDoesNotReadBackIsWeather(t *testing.T) {
	t.Parallel()
	s := setupIPMI(t)
	s.write(t, "deaf", "#!/bin/sh\n[ $2 = get ] && [ $3 = power ] && echo power:0\nexit 0\n", 0o755)
	require.NoError(t, os.Rename(filepath.Join(s.folder, "deaf"), filepath.Join(s.folder, "chassis")))
	s.driver.Settle = 300 * time.Millisecond
	err := s.driver.SetPower(t.Context(), s.record, metal.On)
	require.ErrorContains(t, err, "power does not read back as on")
	require.NotErrorIs(t, err, metal.ErrBadCredentials)
}

func TestIPMITellsAWrongPasswordFromASilentBMC(t *testing.T) {
	t.Parallel()
	s := setupIPMI(t)
	const wrong = "wrong-horse"
	_, err := driverWith(wrong).Power(t.Context(), s.record)
	require.ErrorIs(t, err, metal.ErrBadCredentials)
	require.ErrorContains(t, err, "machine m8: BMC "+s.record.Address)
	require.NotContains(t, err.Error(), wrong)

	silent := s.record
	silent.Address = fmt.Sprintf("127.0.0.1:%d", freeUDPPort(t))
	s.driver.Request = 300 * time.Millisecond
	_, err = s.driver.Power(t.Context(), silent)
	require.ErrorContains(t, err, "no answer within 300ms")
	require.NotErrorIs(t, err, metal.ErrBadCredentials)
}

func TestIPMISaysWhichCipherSuiteIsRefused(t *testing.T) {
	t.Parallel()
	s := setupIPMI(t)
	s.record.CipherSuite = "17"
	_, err := s.driver.Power(t.Context(), s.record)
	require.ErrorIs(t, err, metal.ErrUnsupported)
	require.ErrorContains(t, err, "cipher suite 17")
}

func TestIPMIEndsWithItsContext(t *testing.T) {
	t.Parallel()
	needProgram(t, "ipmitool", "ipmitool")
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	record := metal.BMC{Machine: "m8", Address: fmt.Sprintf("127.0.0.1:%d", freeUDPPort(t)), Protocol: metal.IPMI}
	began := time.Now()
	_, err := driverWith(password).Power(ctx, record)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Less(t, time.Since(began), 10*time.Second, "left alone ipmitool tries for 40 s")
}

// What a command line holds, every user of the machine can read.
func TestIPMIKeepsThePasswordOffCommandLines(t *testing.T) {
	t.Parallel()
	s := setupIPMI(t)
	s.noteArguments(t)
	require.NoError(t, s.driver.PowerOn(t.Context(), s.record, metal.BootNetwork, metal.BIOS))
	args := s.read(t, "args")
	require.Contains(t, args, "chassis power on")
	require.Contains(t, args, "chassis bootparam get 5")
	require.NotContains(t, args, password)
}

// noteArguments has ipmitool's arguments written to the file args.
func (s *simulator) noteArguments(t *testing.T) {
	t.Helper()
	real, err := exec.LookPath("ipmitool")
	require.NoError(t, err)
	s.write(t, "ipmitool", fmt.Sprintf("#!/bin/sh\necho \"$@\" >>%s/args\nexec %s \"$@\"\n", s.folder, real), 0o755)
	s.driver.Ipmitool = filepath.Join(s.folder, "ipmitool")
}

func TestAMissingIpmitoolIsNamed(t *testing.T) {
	t.Parallel()
	d := driverWith(password)
	d.Ipmitool = filepath.Join(t.TempDir(), "ipmitool")
	_, err := d.Power(t.Context(), metal.BMC{Machine: "m8", Address: "127.0.0.1", Protocol: metal.IPMI})
	require.ErrorContains(t, err, d.Ipmitool)
}
