package rack

import (
	"context"
	"os"
	"strings"
	"sync"
	"time"

	"millwright/internal/qemu"
)

// probeLimit is for a BIOS to find its NIC's ROM: half a second with KVM, two
// to four without. A KVM that is itself emulated by a hypervisor may take a
// minute for it (seen in Firecracker), and then a machine is faster without.
const probeLimit = 8 * time.Second

// accelerated says whether KVM is there and of use.
func accelerated(ctx context.Context) bool {
	if kvm, err := os.OpenFile("/dev/kvm", os.O_RDWR, 0); err != nil || kvm.Close() != nil {
		return false
	}
	dir, err := os.MkdirTemp("", "millwright-probe")
	if err != nil {
		return false
	}
	defer func() { _ = os.RemoveAll(dir) }()
	ready := make(chan struct{})
	vm, err := qemu.Start(ctx, qemu.Config{
		Name: "probe", Dir: dir, Firmware: qemu.BIOS, First: qemu.Network, NICs: []qemu.NIC{{User: "restrict=on"}},
		Console: writer(sight("iPXE initialising devices...ok", ready)),
	})
	if err != nil {
		return false
	}
	defer vm.Kill()
	select {
	case <-ready:
		return true
	case <-vm.Done():
	case <-ctx.Done():
	case <-time.After(probeLimit):
	}
	return false
}

// sight closes the channel once words have been written.
func sight(words string, seen chan struct{}) func([]byte) (int, error) {
	var text strings.Builder
	var once sync.Once
	return func(p []byte) (int, error) {
		text.Write(p)
		if strings.Contains(text.String(), words) {
			once.Do(func() { close(seen) })
		}
		return len(p), nil
	}
}
