package main

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/agent"
	"millwright/internal/image"
	"millwright/internal/metal"
	"millwright/internal/ramdisk"
)

// patience with an emulated machine on a busy computer.
const patience = 6 * time.Minute

// bootFiles are the agent as machines boot it.
func bootFiles(t *testing.T) string {
	t.Helper()
	built := t.TempDir()
	program := filepath.Join(built, "init")
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", program, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOARCH=amd64")
	out, err := build.CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.NoError(t, ramdisk.Build(t.Context(), ramdisk.Input{
		Arch: "amd64", Init: program, Cache: "../bin/cache/debian", Into: built,
	}))
	return built
}

// console keeps what a machine prints.
type console struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (c *console) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.text.Write(p)
}

func (c *console) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.text.String()
}

// dirty is a disk of a size that holds somebody's secrets.
func dirty(t *testing.T, size int64) string {
	path := filepath.Join(t.TempDir(), "disk")
	file, err := os.Create(path)
	require.NoError(t, err)
	defer file.Close()
	for at := int64(0); at < size; at += 8 << 20 {
		_, err := file.WriteAt(bytes.Repeat([]byte("secret! "), 512), at)
		require.NoError(t, err)
	}
	require.NoError(t, file.Truncate(size))
	return path
}

// withRoot is an image of one partition, ext4 with the label root.
func withRoot(t *testing.T) (id image.ID, size int64, handler http.Handler) {
	t.Helper()
	raw := filepath.Join(t.TempDir(), "image.raw")
	size = 66 << 20
	require.NoError(t, os.WriteFile(raw, nil, 0o600))
	require.NoError(t, os.Truncate(raw, size))
	partition := exec.Command("sfdisk", "--quiet", raw)
	partition.Stdin = strings.NewReader("label: gpt\nstart=1MiB, size=64MiB, type=linux\n")
	out, err := partition.CombinedOutput()
	require.NoError(t, err, "%s", out)
	out, err = exec.Command("mkfs.ext4", "-q", "-F", "-L", "root", "-E", "offset=1048576", raw, "64M").CombinedOutput()
	require.NoError(t, err, "%s", out)
	store, err := image.OpenStore(t.TempDir(), 0)
	require.NoError(t, err)
	id, err = store.Import(t.Context(), image.Origin{Path: raw})
	require.NoError(t, err)
	return id, size, image.Handler(store, nil, slog.New(slog.DiscardHandler))
}

// freePort is one that nobody listens on at this moment.
func freePort(t *testing.T) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	return strconv.Itoa(listener.Addr().(*net.TCPAddr).Port)
}

func (b *boot) await(t *testing.T, n int) agent.Report {
	t.Helper()
	require.Eventually(t, func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		return len(b.said) >= n
	}, patience, 50*time.Millisecond, "report %d", n)
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.said[n-1]
}

// start7 switches a machine on that runs the agent, and says when it is off. It
// has a virtio and an NVMe disk, and boots without firmware.
func start7(t *testing.T, serial *console, files, port, url string, disks ...string) <-chan struct{} {
	t.Helper()
	ctx, kill := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, "qemu-system-x86_64",
		"-machine", "q35", "-accel", "tcg,thread=multi", "-cpu", "max", "-m", "1024",
		"-nodefaults", "-display", "none", "-no-reboot", "-serial", "stdio", "-device", "virtio-rng-pci",
		"-kernel", filepath.Join(files, ramdisk.Kernel), "-initrd", filepath.Join(files, ramdisk.Initrd),
		"-append", "console=ttyS0 no_timer_check millwright.boot=7 millwright.token=c0ffee millwright.url="+url,
		"-netdev", "user,id=n0,hostfwd=tcp:127.0.0.1:"+port+"-:22", "-device", "virtio-net-pci,netdev=n0",
		"-drive", "file="+disks[0]+",format=raw,if=none,id=d0", "-device", "virtio-blk-pci,drive=d0,serial=S1",
		"-drive", "file="+disks[1]+",format=raw,if=none,id=d1", "-device", "nvme,drive=d1,serial=S2")
	cmd.Stdout, cmd.Stderr = serial, serial
	require.NoError(t, cmd.Start())
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // how it ended is on the console
		close(ended)
	}()
	t.Cleanup(func() {
		kill()
		<-ended
		if t.Failed() {
			t.Logf("console:\n%s", serial)
		}
	})
	return ended
}

// TestAMachineOfRealPartsIsProvenInstalledOnAMirrorAndRescued is the agent as
// process 1 of a machine of QEMU's: it loads the tools that test it under load,
// and runs them, erases two disks, mirrors them, writes an image and what its
// first boot needs, lets the tenant in, finds no kernel on the disk and reboots.
func TestAMachineOfRealPartsIsProvenInstalledOnAMirrorAndRescued(t *testing.T) {
	t.Parallel()
	id, size, images := withRoot(t)
	key := filepath.Join(t.TempDir(), "key")
	out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key).CombinedOutput()
	require.NoError(t, err, "%s", out)
	public, err := os.ReadFile(key + ".pub")
	require.NoError(t, err)

	install := installOf(id, int(size))
	install.Install.Storage = json.RawMessage(`{"mirror":true}`)
	install.Install.FirstBoot = metal.FirstBoot{
		Seed:  &metal.Seed{Label: "CIDATA", Files: []metal.File{{Path: "meta-data", Body: []byte("instance-id: d1\n")}}},
		Files: []metal.File{{Partition: "root", Path: "etc/hello", Body: []byte("from the agent\n")}},
	}
	lengths := metal.BurnIn{CPU: time.Second, Memory: 2 * time.Second, Disks: 10 * time.Second, Network: 2 * time.Second}
	b := &boot{images: images, jobs: []agent.Job{
		{Job: metal.JobProve, BurnIn: &lengths}, install, {Job: metal.JobRescue, Rescue: &metal.Rescue{Hostname: "web1", Keys: []string{string(public)}}}, {Job: metal.JobLeave, Kexec: true}, {Job: metal.JobWait},
	}}
	hold := make(chan struct{})
	b.hold = hold // the machine leaves when the tenant has looked
	url := strings.Replace(b.serve(t), "127.0.0.1", "10.0.2.2", 1)
	files, port, serial := bootFiles(t), freePort(t), &console{}
	b.files = files
	disks := []string{dirty(t, 192<<20), dirty(t, 200<<20)}
	ended := start7(t, serial, files, port, url, disks...)

	proven := b.await(t, 1)
	require.Equal(t, metal.Proven, proven.Kind, proven.Detail)
	require.Equal(t, []string{"cpu ", "memory ", "disk S2", "disk S1", "network 52:54:00:12:34:56"}, passed(t, proven.BurnIn))
	installed := b.await(t, 2)
	require.Equal(t, metal.Installed, installed.Kind, installed.Detail)
	require.Len(t, installed.Certificates, 2)
	rescued := b.await(t, 3)
	require.Equal(t, metal.Rescued, rescued.Kind, rescued.Detail)

	seen := lookInside(t, key, port, rescued.Detail)
	require.Contains(t, seen, "from the agent\ninstance-id: d1\n")
	require.Contains(t, seen, "active raid1")

	close(hold)
	refused := b.await(t, 4)
	require.Equal(t, metal.NoKexec, refused.Kind)
	require.Contains(t, refused.Detail, "no partition has a boot entry")
	select {
	case <-ended: // it reboots, which is the end here
	case <-time.After(patience):
		require.FailNow(t, "the machine is still on")
	}
	for _, disk := range disks {
		require.NotContains(t, string(read(t, disk)), "secret!")
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	log := b.log.String()
	require.Contains(t, log, "step=first-boot")
	require.NotContains(t, log, "c0ffee")
}

// lookInside is the tenant, who mounts what the agent has written.
func lookInside(t *testing.T, key, port, fingerprint string) string {
	t.Helper()
	known := filepath.Join(t.TempDir(), "known")
	look := exec.Command("ssh", "-F", "none", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=accept-new", "-o", "IdentitiesOnly=yes",
		"-o", "UserKnownHostsFile="+known, "-i", key, "-p", port, "root@127.0.0.1",
		"mkdir -p /mnt && mount -o ro /dev/md127p1 /mnt && cat /mnt/etc/hello && umount /mnt && mount -t vfat -o ro /dev/md127p2 /mnt && cat /mnt/meta-data; umount /mnt; cat /proc/mdstat")
	seen, err := look.CombinedOutput()
	require.NoError(t, err, "%s", seen)
	shown, err := exec.Command("ssh-keygen", "-l", "-f", known).Output()
	require.NoError(t, err)
	require.Contains(t, string(shown), fingerprint, "the host key is the one that was reported")
	return string(seen)
}
