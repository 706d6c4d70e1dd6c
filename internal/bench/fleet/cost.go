package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// tick is how much of a second one unit of CPU time in /proc is: USER_HZ has
// been 100 for all kernels of the kinds of machines that we build for.
const tick = 0.01

// Fields of /proc/PID/stat after the name, which may hold spaces (proc_pid_stat(5)).
const (
	statParent   = 1
	statCPU      = 11 // utime, stime
	statChildren = 13 // both of the children that ended and were waited for
)

// sight is what the machine has spent by a moment.
type sight struct {
	cpu   map[string]float64 // seconds, by who
	bytes map[string]int64   // of databases
	asked int                // requests to BMCs
	done  int                // commits on switches
}

// simulated is the part of the CPU time that is no part of Millwright.
const simulated = "lab and this bench"

func (m *measuring) look(ctx context.Context) (s sight, err error) {
	s = sight{cpu: map[string]float64{}, bytes: map[string]int64{}}
	roots := map[int]string{
		os.Getpid(): simulated, m.Boot.PID(): "boot", m.Starter.PID(): "starter",
		m.Stack.Temporal.PID(): "temporal-server", m.Stack.Postgres.PID(): "postgres",
	}
	for _, w := range m.Workers {
		roots[w.PID()] = "worker"
	}
	for pid, who := range roots {
		if err := s.add(pid, who); err != nil {
			return s, err
		}
	}
	for _, b := range m.Lab.BMCs() {
		s.asked += b.Load.Requests
	}
	for _, sw := range m.Lab.Switches() {
		s.done += sw.Commits
	}
	rows, err := m.db.Query(ctx, `select datname, pg_database_size(oid) from pg_database where not datistemplate`)
	if err != nil {
		return s, err
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		var size int64
		if err := rows.Scan(&name, &size); err != nil {
			return s, err
		}
		s.bytes[name] = size
	}
	return s, rows.Err()
}

// add counts a process, with its children where they are Postgres'.
func (s sight) add(pid int, who string) error {
	own, gone, _, err := spent(pid)
	if err != nil {
		return err
	}
	s.cpu[who] += own
	if who != "postgres" {
		return nil
	}
	s.cpu["postgres, ended"] += gone
	all, err := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range all {
		child, _ := strconv.Atoi(filepath.Base(filepath.Dir(path))) // the pattern is digits
		if own, _, parent, err := spent(child); err == nil && parent == pid {
			s.cpu["postgres, "+role(child)] += own
		}
	}
	return err
}

// role is what one of Postgres' processes does: the database that it serves, or
// its duty, as it says in its title.
func role(pid int) string {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	words := strings.Fields(strings.ReplaceAll(string(raw), "\x00", " "))
	if err != nil || len(words) < 3 {
		return "ended"
	}
	if strings.Contains(words[1], ":") || words[1] != "millwright" {
		return strings.TrimSuffix(words[1], ":")
	}
	return "of " + words[2]
}

// spent is the CPU time of a process, in seconds, that of its ended children,
// and who its parent is.
func spent(pid int) (own, children float64, parent int, err error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, 0, 0, fmt.Errorf("read the CPU time of process %d: %w", pid, err)
	}
	fields := strings.Fields(string(raw[strings.LastIndexByte(string(raw), ')')+1:]))
	var ticks [4]float64
	for i := range ticks {
		if ticks[i], err = strconv.ParseFloat(fields[statCPU+i], 64); err != nil {
			return 0, 0, 0, fmt.Errorf("read the CPU time of process %d: %w", pid, err)
		}
	}
	parent, err = strconv.Atoi(fields[statParent])
	return (ticks[0] + ticks[1]) * tick, (ticks[statChildren-statCPU] + ticks[3]) * tick, parent, err
}

// costs prints what was spent between two looks, and returns the CPU seconds of
// one run.
func (m *measuring) costs(before, after sight) float64 {
	all, ours := 0.0, 0.0
	fmt.Fprintf(m.out, "%-34s %8s %8s\n", "CPU seconds", "all", "each run")
	for _, who := range slices.Sorted(maps.Keys(after.cpu)) {
		took := max(after.cpu[who]-before.cpu[who], 0)
		all += took
		if who != simulated {
			ours += took
		}
		fmt.Fprintf(m.out, "%-34s %8.1f %8.3f\n", who, took, took/float64(m.n))
	}
	fmt.Fprintf(m.out, "%-34s %8.1f %8.3f\n%-34s %8.1f %8.3f\n", "all", all, all/float64(m.n), "all but the lab", ours, ours/float64(m.n))
	fmt.Fprintf(m.out, "%-34s %8s %8s\n", "kB of databases", "all", "each run")
	for _, name := range slices.Sorted(maps.Keys(after.bytes)) {
		grown := float64(after.bytes[name]-before.bytes[name]) / 1000
		fmt.Fprintf(m.out, "%-34s %8.0f %8.1f\n", name, grown, grown/float64(m.n))
	}
	fmt.Fprintf(m.out, "%-34s %8d %8.1f\n%-34s %8d %8.1f\n", "requests to BMCs", after.asked-before.asked,
		float64(after.asked-before.asked)/float64(m.n), "commits on switches", after.done-before.done, float64(after.done-before.done)/float64(m.n))
	return ours / float64(m.n)
}
