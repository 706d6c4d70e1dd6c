//go:build linux

package ramsystem

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

// insideVariable is set for the agent, and so for what the agent starts.
const insideVariable = "MILLWRIGHT_RAM_SYSTEM"

// pause before an agent that ended is started again: a fault that comes at
// once should leave time to read about it.
const pause = 5 * time.Second

// Enter does the work of process 1, or of modprobe, where this process is one
// of them, and then does not return.
func Enter() {
	switch {
	case filepath.Base(os.Args[0]) == "modprobe":
		os.Exit(modprobe(os.Args[1:]))
	case os.Getpid() == 1:
		watch()
	}
}

// Inside reports whether this is the agent of a RAM system, rather than a
// program on somebody's laptop.
func Inside() bool { return os.Getenv(insideVariable) != "" }

// watch keeps one agent running. It must not end: the kernel panics when
// process 1 does.
func watch() {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	for {
		child, err := startAgent()
		if err != nil {
			complain("start the agent: %v", err)
		} else {
			ended := make(chan string)
			go func() { ended <- bury(child.Pid) }()
			complain("the agent ended: %s; it is started again in %s", forward(signals, child, ended), pause)
		}
		time.Sleep(pause)
	}
}

// startAgent starts this program again. Words of the kernel's command line
// that nobody else wanted are arguments of process 1, and not for the agent.
func startAgent() (*os.Process, error) {
	return os.StartProcess(os.Args[0], []string{"agent"}, &os.ProcAttr{
		Dir:   "/",
		Env:   []string{"PATH=/usr/sbin:/usr/bin", "HOME=/root", "TERM=linux", insideVariable + "=1"},
		Files: []*os.File{os.Stdin, os.Stdout, os.Stderr},
		Sys:   &syscall.SysProcAttr{Setsid: true},
	})
}

// forward hands signals to the agent until it has ended.
func forward(signals <-chan os.Signal, child *os.Process, ended <-chan string) (how string) {
	for {
		select {
		case how := <-ended:
			return how
		case s := <-signals:
			_ = child.Signal(s) // it ended meanwhile
		}
	}
}

// bury waits for all that becomes process 1's child, until the agent has ended.
func bury(agent int) (how string) {
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, 0, nil)
		switch {
		case errors.Is(err, syscall.EINTR):
		case err != nil:
			return err.Error() // no child at all: the agent is gone as well
		case pid == agent && status.Signaled():
			return status.Signal().String()
		case pid == agent:
			return fmt.Sprintf("exit status %d", status.ExitStatus())
		}
	}
}

func complain(format string, args ...any) {
	fmt.Fprintf(console{os.Stderr}, format+"\n", args...)
}

// modprobe is called by the kernel as "modprobe -q -- NAME". Nobody reads what
// it says.
func modprobe(args []string) int {
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	mods, err := openModules(modulesFolder(), "/proc/cmdline", log)
	if err != nil || len(args) == 0 {
		return 1
	}
	if err := mods.wanted(context.Background(), args[len(args)-1]); err != nil {
		return 1
	}
	return 0
}
