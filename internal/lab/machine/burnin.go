package machine

import (
	"context"
	"fmt"

	"millwright/internal/agent"
	"millwright/internal/metal"
)

// burnIn answers at once with figures of a healthy machine, under the names
// that the agent's real tests give them. BurnInFails fails the memory's test;
// a SlowDisk works, at a tenth of its speed.
func (l *life) burnIn(ctx context.Context, want metal.BurnIn, tell agent.Tell) (results []metal.BurnInResult, err error) {
	tell(0, 0, "")
	if want.CPU > 0 {
		results = append(results, metal.BurnInResult{Test: "cpu", Passed: true, Seconds: want.CPU.Seconds(),
			Figures: map[string]float64{"ops_per_s": 5400, "max_celsius": 71}})
	}
	if want.Memory > 0 {
		results = append(results, l.memoryTest(want))
	}
	if want.Disks > 0 {
		results = append(results, l.diskTests(want)...)
	}
	if want.Network > 0 {
		for _, n := range l.config.Hardware.NICs {
			results = append(results, metal.BurnInResult{Test: "network", Part: n.MAC, Passed: true, Seconds: want.Network.Seconds(),
				Figures: map[string]float64{"mbps": float64(n.Mbps), "receive_mib_s": 1100, "send_mib_s": 1100, "wrong_frames": 0}})
		}
	}
	return results, ctx.Err()
}

func (l *life) memoryTest(want metal.BurnIn) metal.BurnInResult {
	r := metal.BurnInResult{Test: "memory", Passed: true, Seconds: want.Memory.Seconds(),
		Figures: map[string]float64{"ops_per_s": 120_000, "asked_mib": float64(l.config.Hardware.MemoryGiB) * 1024 * 0.9}}
	if _, struck := l.strike(BurnInFails); struck {
		r.Passed, r.Detail = false, "stress-ng: vm: detected 3 bit errors while checking the contents of memory"
		r.Figures["memory_errors_uncorrected"] = 3
	}
	return r
}

func (l *life) diskTests(want metal.BurnIn) (results []metal.BurnInResult) {
	for i, d := range l.config.Hardware.Disks {
		speed := map[string]float64{"nvme": 2600, "ssd": 490, "hdd": 180}[d.Type]
		detail := ""
		if _, struck := l.strike(SlowDisk); struck && i == 0 {
			speed /= 10
			detail = fmt.Sprintf("%.0f MiB/s", speed)
		}
		results = append(results, metal.BurnInResult{Test: "disk", Part: d.Serial, Passed: true, Detail: detail, Seconds: want.Disks.Seconds(),
			Figures: map[string]float64{"sequential_write_mib_s": speed, "sequential_read_mib_s": speed, "random_write_mib_s": speed / 3, "slowest_ms": 4000 / speed}})
	}
	return results
}
