package burnin

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"
)

// slack is how much longer than it was told to a tool may take: fio syncs what
// it has written, stress-ng gives back a terabyte page by page.
const slack = time.Minute

// said is what a tool has to say.
type said struct {
	out, err []byte
	code     int // its exit status; -1 where a signal ended it
}

// run starts a tool and waits for its end; the error says that it could not be
// started, or took too long. Whatever it has started ends with it.
func run(ctx context.Context, dir string, length time.Duration, program string, args ...string) (said, error) {
	ctx, cancel := context.WithTimeout(ctx, length+slack)
	defer cancel()
	// The kernel ends the tool with the thread that started it: an agent that is
	// killed must not leave a writer to its successor.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	out, err := &first{room: 4 << 20}, &first{room: 8 << 10}
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = dir, out, err, alone()
	cmd.Cancel = func() error { return endGroup(cmd.Process.Pid) }
	cmd.WaitDelay = 10 * time.Second
	ended := cmd.Run()
	if cmd.Process != nil {
		_ = endGroup(cmd.Process.Pid) // mostly there is nobody left
	}
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return said{}, fmt.Errorf("%s was ended before it was done: %w", filepath.Base(program), context.Cause(ctx))
	case ended != nil && !errors.As(ended, &exit):
		return said{}, fmt.Errorf("start %s: %w", filepath.Base(program), ended)
	}
	return said{out.kept.Bytes(), err.kept.Bytes(), cmd.ProcessState.ExitCode()}, nil
}

// first keeps the beginning of what is written: a disk that returns noise makes
// fio say so for each of its blocks.
type first struct {
	kept bytes.Buffer
	room int
}

func (f *first) Write(p []byte) (int, error) {
	n := min(len(p), f.room-f.kept.Len())
	f.kept.Write(p[:n])
	return len(p), nil
}
