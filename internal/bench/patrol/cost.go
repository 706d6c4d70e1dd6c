package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of times in /proc: USER_HZ has been 100 for all kernels of
// the kinds of machines that we build for.
const tick = time.Second / 100

// Fields of /proc/PID/stat after the name, which may hold spaces (proc_pid_stat(5)).
const (
	statParent = 1
	statCPU    = 11 // utime, stime, and both of the children that ended
)

// spent is the CPU time of a process and of all that it forked.
func spent(pid int) (time.Duration, error) {
	times, children := map[int]time.Duration{}, map[int][]int{}
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return 0, err
	}
	for _, path := range stats {
		if err := readStat(path, times, children); err != nil {
			return 0, err
		}
	}
	if _, ok := times[pid]; !ok {
		return 0, fmt.Errorf("read the CPU time of process %d: it is gone", pid)
	}
	var sum time.Duration
	for all := []int{pid}; len(all) > 0; all = all[1:] {
		sum += times[all[0]]
		all = append(all, children[all[0]]...)
	}
	return sum, nil
}

// readStat notes one process; one that has just ended is none.
func readStat(path string, times map[int]time.Duration, children map[int][]int) error {
	pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
	if err != nil {
		return err
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	fields := strings.Fields(string(raw[strings.LastIndexByte(string(raw), ')')+1:]))
	if len(fields) < statCPU+4 {
		return fmt.Errorf("read %s: %d fields are too few", path, len(fields))
	}
	parent, err := strconv.Atoi(fields[statParent])
	if err != nil {
		return fmt.Errorf("read %s: its parent: %w", path, err)
	}
	children[parent] = append(children[parent], pid)
	for _, field := range fields[statCPU : statCPU+4] {
		ticks, err := strconv.Atoi(field)
		if err != nil {
			return fmt.Errorf("read %s: its CPU time: %w", path, err)
		}
		times[pid] += time.Duration(ticks) * tick
	}
	return nil
}

// peak is the most memory that a process ever had, in MiB.
func peak(pid int) (float64, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(raw)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 64)
			return kib / 1024, err
		}
	}
	return 0, fmt.Errorf("read the memory of process %d: the kernel names no VmHWM", pid)
}
