package stack

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

func dieWithParent(attr *syscall.SysProcAttr, sig syscall.Signal) { attr.Pdeathsig = sig }

// descendants lists the processes that pid forked, and those forked, and so on.
func descendants(pid int) []int {
	children := map[int][]int{}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is well formed
	for _, path := range stats {
		if child, parent, _, ok := readStat(path); ok {
			children[parent] = append(children[parent], child)
		}
	}
	all := children[pid]
	for i := 0; i < len(all); i++ {
		all = append(all, children[all[i]]...)
	}
	return all
}

// awaitGone waits until the kernel has torn the killed processes down: until
// then they still hold ports and shared memory. It gives up after 5 s, because
// a process in an uninterruptible sleep is not ours to mend.
func awaitGone(pids []int) {
	deadline := time.Now().Add(5 * time.Second)
	for _, pid := range pids {
		for time.Now().Before(deadline) {
			_, _, state, ok := readStat(fmt.Sprintf("/proc/%d/stat", pid))
			if !ok || state == "Z" { // a zombie holds nothing; who reaps it is its parent's business
				break
			}
			time.Sleep(time.Millisecond)
		}
	}
}

// readStat reads "pid (name) state ppid …" (proc_pid_stat(5)). The name may
// hold spaces and parentheses: what follows begins after the last one.
func readStat(path string) (pid, parent int, state string, ok bool) {
	raw, err := os.ReadFile(path)
	end := strings.LastIndexByte(string(raw), ')')
	if err != nil || end < 0 {
		return 0, 0, "", false // it ended while we looked
	}
	_, err = fmt.Sscanf(string(raw[:end]), "%d", &pid)
	_, err2 := fmt.Sscanf(string(raw[end+1:]), "%s %d", &state, &parent)
	return pid, parent, state, err == nil && err2 == nil
}
