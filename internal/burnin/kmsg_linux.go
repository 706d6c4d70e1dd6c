package burnin

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/sys/unix"
)

// kernelLog is what the kernel says from a moment on.
type kernelLog struct{ fd int }

// openKernelLog goes by file descriptor: Go would wait for the next line where
// there is none.
func openKernelLog(path string) (*kernelLog, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	if _, err := unix.Seek(fd, 0, io.SeekEnd); err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("go to the end of %s: %w", path, err)
	}
	return &kernelLog{fd}, nil
}

// lines are those since the log was opened. The kernel gives one with each read,
// as "priority,number,microseconds,flags;text", and below it lines that begin
// with a space.
func (l *kernelLog) lines() (lines []string) {
	if l == nil {
		return nil
	}
	buffer := make([]byte, 8<<10) // no record is longer
	for {
		n, err := unix.Read(l.fd, buffer)
		if errors.Is(err, unix.EINTR) || errors.Is(err, unix.EPIPE) { // EPIPE: some were overwritten
			continue
		}
		if err != nil || n == 0 {
			return lines
		}
		for line := range strings.Lines(string(buffer[:n])) {
			if _, words, found := strings.Cut(line, ";"); found && line[0] != ' ' {
				lines = append(lines, strings.TrimSpace(words))
			}
		}
	}
}

func (l *kernelLog) close() { _ = unix.Close(l.fd) }
