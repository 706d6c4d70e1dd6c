//go:build linux

package ramsystem

import (
	"bytes"
	"fmt"
	"io"
	"os"
)

// Console is where the agent's log goes: into the kernel's log, so that it is
// on every console that the kernel line names, in order with what the kernel
// says. Elsewhere than in a RAM system it is standard error.
func Console() io.Writer {
	if !Inside() {
		return os.Stderr
	}
	return console{os.Stderr}
}

// console opens the kernel's log anew for each write: it may be asked before
// /dev is there, and is asked seldom.
type console struct{ instead io.Writer }

const (
	kmsg = "/dev/kmsg"
	// The kernel cuts what is longer than a record, 1024 bytes with its prefix.
	longestRecord = 900
	// Facility user, level notice: printed unless the kernel is told to be quiet.
	priority = 1<<3 | 5
)

// Write makes one record of each line.
func (c console) Write(text []byte) (int, error) {
	log, err := os.OpenFile(kmsg, os.O_WRONLY, 0)
	if err != nil {
		return c.instead.Write(text)
	}
	defer log.Close()
	for line := range bytes.Lines(text) {
		line = bytes.TrimRight(line, "\n")
		for len(line) > 0 {
			part := line[:min(len(line), longestRecord)]
			line = line[len(part):]
			if _, err := fmt.Fprintf(log, "<%d>agent: %s\n", priority, part); err != nil {
				return c.instead.Write(text)
			}
		}
	}
	return len(text), nil
}
