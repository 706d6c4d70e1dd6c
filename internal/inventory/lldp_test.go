//go:build linux

package inventory

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// inNamespace names the folder of the run that TestMain does in a namespace.
const inNamespace = "INVENTORY_LLDP_FOLDER"

// TestMain is also the program that runs inside of a network namespace: the
// listener opens its sockets on any thread, so the whole process must be in it.
func TestMain(m *testing.M) {
	dir := os.Getenv(inNamespace)
	if dir == "" {
		os.Exit(m.Run())
	}
	if err := besideLLDPD(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// besideLLDPD makes a cable, runs the real lldpd at its one end and listens at
// the other, which is down, as links are after a boot.
func besideLLDPD(dir string) error {
	steps := [][]string{
		{"ip", "link", "add", "switch0", "type", "veth", "peer", "name", "nic0"},
		{"ip", "link", "set", "switch0", "up"},
		{"ip", "link", "add", "nobody0", "type", "veth", "peer", "name", "nic1"},
		{"mount", "-t", "tmpfs", "none", "/run"}, // lldpd's chroot and socket
		{"mkdir", "/run/lldpd"},
	}
	for _, step := range steps {
		if out, err := exec.Command(step[0], step[1:]...).CombinedOutput(); err != nil {
			return fmt.Errorf("%v: %w: %s", step, err, out)
		}
	}
	runtime.LockOSThread() // lldpd dies with the thread that started it, not with the process
	lldpd := exec.Command("/usr/sbin/lldpd", "-d", "-I", "switch0", "-S", "test switch", "-u", "/run/lldpd.socket")
	lldpd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := lldpd.Start(); err != nil {
		return err
	}
	defer lldpd.Process.Kill()
	if err := speakOften(); err != nil {
		return err
	}
	found := Inventory{NICs: []NIC{{Name: "nic0"}, {Name: "nic1"}, {Name: "none0"}}}
	began := time.Now()
	AddNeighbours(context.Background(), &found, LLDPWait)
	if time.Since(began) > LLDPWait+5*time.Second {
		return errors.New("listened for too long")
	}
	text, err := json.Marshal(found)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "found.json"), text, 0o600)
}

// speakOften has lldpd speak each second, and not each 30: it is asked until it
// is there to be asked. One that is asked without a pause, or told of links before
// it has seen them all, misses that a link comes up, and never speaks.
func speakOften() error {
	settled := time.Now().Add(3 * time.Second)
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		out, err := exec.Command("/usr/sbin/lldpcli", "-u", "/run/lldpd.socket", "configure", "lldp", "tx-interval", "1").CombinedOutput()
		if err == nil && time.Now().After(settled) {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("lldpcli: %w: %s", err, out)
		}
	}
}

func TestTheRealLLDPDIsHeard(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("network namespaces are made by root")
	}
	dir := t.TempDir()
	self := exec.CommandContext(t.Context(), os.Args[0])
	self.Env = append(os.Environ(), inNamespace+"="+dir)
	self.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS, Unshareflags: syscall.CLONE_NEWNS,
	}
	out, err := self.CombinedOutput()
	require.NoError(t, err, string(out))
	text, err := os.ReadFile(filepath.Join(dir, "found.json"))
	require.NoError(t, err)
	var found Inventory
	require.NoError(t, json.Unmarshal(text, &found))
	neighbour := found.NICs[0].Neighbour
	require.NotNil(t, neighbour, "%v", found.Notes)
	host, err := os.Hostname()
	require.NoError(t, err)
	require.Equal(t, host, neighbour.System)
	require.Equal(t, "test switch", neighbour.Software)
	require.Equal(t, "switch0", neighbour.Description)
	require.Regexp(t, "^[0-9a-f:]{17}$", neighbour.Port)
	require.Nil(t, found.NICs[1].Neighbour)
	require.Len(t, found.Notes, 2, "%v", found.Notes)
	require.Contains(t, found.Notes, "LLDP on nic1: no carrier")
}

// frame has the three TLVs that must be there, others, and the end.
func frame(more ...byte) []byte {
	b := []byte{
		0x02, 0x07, 0x04, 0x00, 0x05, 0x86, 0x71, 0xfa, 0x01, // chassis: MAC
		0x04, 0x0b, 0x05, 'x', 'e', '-', '0', '/', '0', '/', '1', '2', ' ', // port: interface name
		0x06, 0x02, 0x00, 0x78, // 120 seconds
	}
	return append(append(b, more...), 0, 0)
}

func TestANeighbourIsReadFromItsFrame(t *testing.T) {
	t.Parallel()
	n, err := parseLLDP(frame(
		0x0a, 0x05, 'l', 'e', 'a', 'f', '3',
		0xfe, 0x06, 0x00, 0x80, 0xc2, 0x01, 0x00, 0x64,
		0x10, 0x0c, 0x05, 0x01, 192, 0, 2, 1, 0x02, 0, 0, 0, 1, 0,
	))
	require.NoError(t, err)
	require.Equal(t, Neighbour{Chassis: "00:05:86:71:fa:01", Port: "xe-0/0/12", System: "leaf3", VLAN: 100, Management: "192.0.2.1"}, n)
}

func TestAFrameThatBreaksOffIsNotBelieved(t *testing.T) {
	t.Parallel()
	whole := frame(0x0a, 0x05, 'l', 'e', 'a', 'f', '3')
	for size := range len(whole) {
		n, err := parseLLDP(whole[:size])
		require.ErrorIs(t, err, errNotLLDP, "%d bytes", size)
		require.Zero(t, n)
	}
	_, err := parseLLDP(whole[9:])
	require.ErrorIs(t, err, errNotLLDP)
}

func FuzzLLDPIsReadWithoutHarm(f *testing.F) {
	f.Add(frame())
	f.Add(frame(0x10, 0x01, 0xff))
	f.Fuzz(func(t *testing.T, b []byte) {
		n, err := parseLLDP(b)
		if err != nil {
			require.Zero(t, n)
			return
		}
		for _, text := range []string{n.Chassis, n.Port, n.Description, n.System, n.Software, n.Management} {
			require.LessOrEqual(t, len(text), maxText)
		}
	})
}
