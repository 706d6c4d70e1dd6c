// Command withstack runs one command beside a stack that lives as long as the
// command does:
//
//	withstack [flags] -- go test ./...
//
// All test packages of the command share the stack: it is in their
// environment as MILLWRIGHT_TEST_DSN and MILLWRIGHT_TEST_TEMPORAL. It must not
// import anything of ours but internal/stack.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"millwright/internal/stack"
)

func main() {
	cfg := stack.Config{Log: slog.New(slog.NewTextHandler(os.Stderr, nil))}
	flag.StringVar(&cfg.Bin, "bin", "", "folder of the Temporal programs (default: found)")
	flag.StringVar(&cfg.Dir, "dir", "", "keep data and logs there (default: a temporary folder)")
	flag.BoolVar(&cfg.UI, "ui", false, "start the web UI, too")
	flag.BoolVar(&cfg.NoFsync, "no-fsync", false, "be faster, and lose everything in a power cut")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	code, err := run(ctx, cfg, flag.Args())
	if err != nil {
		fmt.Fprintln(os.Stderr, "withstack:", err)
	}
	os.Exit(code)
}

// run returns the command's exit code.
func run(ctx context.Context, cfg stack.Config, args []string) (code int, err error) {
	if len(args) == 0 {
		return 2, errors.New("which command? withstack [flags] -- command arguments")
	}
	s, err := stack.Start(ctx, cfg)
	if err != nil {
		return 1, err
	}
	defer func() {
		if stopped := s.Stop(context.Background()); stopped != nil {
			code, err = 1, errors.Join(err, stopped)
		}
	}()
	cmd := command(ctx, args, s)
	if err := cmd.Start(); err != nil {
		return 1, fmt.Errorf("start %s: %w", args[0], err)
	}
	return finish(ctx, s, cmd)
}

// command prepares the command. An interrupt reaches it from the terminal, or
// through us; either way the stack stays up until it has ended.
func command(ctx context.Context, args []string, s *stack.Stack) *exec.Cmd {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), "MILLWRIGHT_TEST_DSN="+s.DSN, "MILLWRIGHT_TEST_TEMPORAL="+s.Frontend)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	return cmd
}

// finish waits for the command. A part of the stack that dies meanwhile is
// told at once, since whatever fails next is its fault.
func finish(ctx context.Context, s *stack.Stack, cmd *exec.Cmd) (int, error) {
	over, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		if err := s.Wait(over); over.Err() == nil {
			fmt.Fprintln(os.Stderr, "withstack:", err)
		}
	}()
	err := cmd.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return max(1, exit.ExitCode()), nil // -1 is a signal; the command has said what was wrong
	}
	if err != nil {
		return 1, fmt.Errorf("run %s: %w", cmd.Path, err)
	}
	return 0, nil
}
