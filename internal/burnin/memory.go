package burnin

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"millwright/internal/metal"
)

// What is left to the agent and the kernel: a sixteenth of what is free, for
// page tables, and for what the disks' tests keep in mind on a machine with many.
const (
	leastRoom = 192 << 20 // the agent, its log, and the tool itself
	mostRoom  = 4 << 30
)

// memory writes patterns over all memory that is free and reads them back, with
// each of stress-ng's methods in turn.
func (b *bench) memory(ctx context.Context, length time.Duration) []metal.BurnInResult {
	return b.watched(metal.BurnInResult{Test: testMemory}, func(r *metal.BurnInResult) error {
		free, err := b.available()
		if err != nil {
			return err
		}
		size := testable(free)
		if size <= 0 {
			return fmt.Errorf("%d MiB of memory are free, which is too little to test any of it", free>>20)
		}
		r.Figures["asked_mib"] = float64(size >> 20)
		// A tool that the kernel kills for its size must not start again: it would
		// be killed until the time is over, and have tested nothing.
		s, err := b.stress(ctx, "vm", length, "--vm-bytes", strconv.FormatInt(size, 10), "--vm-method", "all", "--vm-keep", "--oomable")
		if err != nil {
			return err
		}
		r.Figures["ops_per_s"] = s.OpsRate
		r.Figures["resident_mib"] = s.MaxRSS / 1024 * float64(runtime.NumCPU()) // of the largest instance, times their number
		return nil
	})
}

// testable is how much of what is free is tested, in whole MiB.
func testable(free int64) int64 {
	room := min(max(free/16, leastRoom), mostRoom)
	return max(free-room, 0) >> 20 << 20
}

// available is the kernel's own estimate of what programs can get.
func (b *bench) available() (int64, error) {
	text, err := os.ReadFile(filepath.Join(b.Root, "proc/meminfo"))
	if err != nil {
		return 0, fmt.Errorf("find out how much memory is free: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(line)
		if len(words) != 3 || words[0] != "MemAvailable:" {
			continue
		}
		kib, err := strconv.ParseInt(words[1], 10, 64)
		if err != nil {
			return 0, fmt.Errorf("find out how much memory is free: %w", err)
		}
		return kib << 10, nil
	}
	return 0, fmt.Errorf("find out how much memory is free: /proc/meminfo has no MemAvailable")
}
