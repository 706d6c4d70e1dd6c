package stack

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// releaseMemory removes the System V segment that a killed Postgres leaves: 56
// bytes by which two postmasters would notice each other on one data folder
// (storage/ipc, since 9.3). The next postmaster removes it; if there is none,
// it stays until the machine reboots, and there is room for 4,096.
func (c *cluster) releaseMemory() {
	raw, err := os.ReadFile(filepath.Join(c.data(), "postmaster.pid"))
	if err != nil {
		return // a Postgres that has ended by itself has removed file and segment
	}
	lines := strings.Split(string(raw), "\n")
	if len(lines) < 7 { // the seventh holds key and segment
		return
	}
	var key, id int
	if _, err := fmt.Sscan(lines[6], &key, &id); err == nil {
		_, _ = unix.SysvShmCtl(id, unix.IPC_RMID, nil) // gone already is as good
	}
}
