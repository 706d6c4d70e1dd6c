package burnin

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"millwright/internal/metal"
)

// correctable is how many memory errors may be corrected during one test. A
// cosmic ray costs one; a bad cell under patterns costs thousands. Schroeder,
// Pinheiro and Weber, "DRAM Errors in the Wild" (2009): a DIMM with one error in
// a month has hundreds of them, nine in ten have none.
const correctable = 8

// watched makes one test, and holds against it what the kernel and the hardware
// noticed meanwhile.
func (b *bench) watched(r metal.BurnInResult, test func(*metal.BurnInResult) error) []metal.BurnInResult {
	r.Figures, r.Passed = map[string]float64{}, true
	before, began := b.look(), time.Now()
	log, err := openKernelLog(filepath.Join(b.Root, "dev/kmsg"))
	if err != nil {
		b.Log.Warn("the kernel's log is not watched", "error", err)
	} else {
		defer log.close()
	}
	if err := test(&r); err != nil {
		r = failed(r, err.Error())
	}
	r.Seconds = time.Since(began).Round(time.Millisecond).Seconds()
	return []metal.BurnInResult{blame(judge(r, before, b.look()), log.lines())}
}

// faults is what the hardware has counted since it was switched on.
type faults struct {
	corrected, uncorrected int64            // by memory controllers
	dimms                  map[string]int64 // both kinds, by the DIMM's label
	machineChecks          int64            // exceptions, by all processors
	throttled              int64            // times that a processor slowed down for its heat
}

func (b *bench) look() faults {
	f := faults{dimms: map[string]int64{}}
	memory := filepath.Join(b.Root, "sys/devices/system/edac/mc/mc*")
	f.corrected, f.uncorrected = sum(memory+"/ce_count"), sum(memory+"/ue_count")
	for _, of := range []string{"/dimm*", "/rank*"} {
		labels, _ := filepath.Glob(memory + of + "/dimm_label") // the pattern is well formed
		for _, label := range labels {
			dimm := filepath.Dir(label)
			f.dimms[filepath.Base(filepath.Dir(dimm))+" "+text(label)] += sum(dimm+"/dimm_ce_count") + sum(dimm+"/dimm_ue_count")
		}
	}
	f.machineChecks = interrupts(text(filepath.Join(b.Root, "proc/interrupts")), "MCE:")
	f.throttled = sum(filepath.Join(b.Root, "sys/devices/system/cpu/cpu*/thermal_throttle/core_throttle_count"))
	return f
}

// interrupts sums one line of /proc/interrupts over all processors.
func interrupts(table, name string) (n int64) {
	for line := range strings.Lines(table) {
		words := strings.Fields(line)
		if len(words) == 0 || words[0] != name {
			continue
		}
		for _, word := range words[1:] {
			count, err := strconv.ParseInt(word, 10, 64)
			if err != nil {
				break // the words behind the counts
			}
			n += count
		}
	}
	return n
}

func judge(r metal.BurnInResult, before, after faults) metal.BurnInResult {
	for name, n := range map[string]int64{
		"memory_errors_corrected":   after.corrected - before.corrected,
		"memory_errors_uncorrected": after.uncorrected - before.uncorrected,
		"machine_checks":            after.machineChecks - before.machineChecks,
		"throttled":                 after.throttled - before.throttled,
	} {
		if n > 0 {
			r.Figures[name] = float64(n)
		}
	}
	if n := after.uncorrected - before.uncorrected; n > 0 {
		r = failed(r, fmt.Sprintf("memory had %d errors that were not corrected (%s)", n, worst(before, after)))
	} else if n := after.corrected - before.corrected; n > correctable {
		r = failed(r, fmt.Sprintf("memory had %d errors that were corrected (%s)", n, worst(before, after)))
	}
	if n := after.machineChecks - before.machineChecks; n > 0 {
		r = failed(r, fmt.Sprintf("%d machine checks", n))
	}
	return r
}

// worst is the DIMM with most of the errors.
func worst(before, after faults) string {
	name, most := "the controller does not say in which DIMM", int64(0)
	for label, n := range after.dimms {
		if n -= before.dimms[label]; n > most {
			name, most = "most in "+label, n
		}
	}
	return name
}

// What the kernel says of hardware that lost data. Corrected errors are counted
// elsewhere, and allowed in small numbers.
var (
	hardwareError = regexp.MustCompile(`\[Hardware Error\]|EDAC|AER:|PCIe Bus Error|BERT:`)
	lost          = regexp.MustCompile(`(?i)uncorrect|\bfatal\b|\bUE\b`)
)

// blame fails a test during which the kernel reported an error that nothing
// corrected.
func blame(r metal.BurnInResult, lines []string) metal.BurnInResult {
	n := 0
	for _, line := range lines {
		if !hardwareError.MatchString(line) {
			continue
		}
		n++
		if r.Passed && lost.MatchString(line) {
			r = failed(r, "the kernel says: "+line)
		}
	}
	if n > 0 {
		r.Figures["hardware_error_lines"] = float64(n)
	}
	return r
}
