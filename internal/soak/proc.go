package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// process is a program that is looked into through /proc.
type process struct {
	name string
	pid  func() int
	log  string // file
}

// look reads what the kernel knows of a process (proc_pid_status(5)). One that
// is gone has nothing.
func (p process) look(into map[key]float64) {
	dir := fmt.Sprintf("/proc/%d", p.pid())
	status, err := os.ReadFile(dir + "/status")
	if err != nil {
		return
	}
	for line := range strings.Lines(string(status)) {
		field, value, _ := strings.Cut(line, ":")
		words := strings.Fields(value)
		if len(words) == 0 {
			continue
		}
		n, err := strconv.ParseFloat(words[0], 64)
		switch {
		case err != nil:
		case field == "VmRSS":
			into[p.memory()] = n * 1024
		case field == "Threads":
			into[key{threads, p.name}] = n
		}
	}
	if open, err := os.ReadDir(dir + "/fd"); err == nil {
		into[key{files, p.name}] = float64(len(open))
	}
	if info, err := os.Stat(p.log); err == nil {
		into[key{shown, "log bytes of " + p.name}] = float64(info.Size())
	}
}

// memory is judged of our programs. Temporal's caches are bounded by number, and
// fill for longer than a run takes; its database is judged.
func (p process) memory() key {
	if p.name == "temporal-server" {
		return key{shown, "rss of " + p.name}
	}
	return key{memory, p.name}
}
