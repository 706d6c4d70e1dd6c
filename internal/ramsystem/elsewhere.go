//go:build !linux

package ramsystem

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
)

// Elsewhere than on Linux no program is a RAM system's agent. This builds, so
// that the agent can be vetted on any laptop.
var errLinuxOnly = errors.New("a RAM system is Linux")

// System is never made here.
type System struct{}

// Way is how a machine is left.
type Way string

// The ways, as on Linux.
const (
	Kexec    Way = "kexec"
	Reboot   Way = "reboot"
	PowerOff Way = "power-off"
)

// Enter returns: nobody is process 1 of a RAM system here.
func Enter() {}

// Inside is false here.
func Inside() bool { return false }

// Console is standard error here.
func Console() io.Writer { return os.Stderr }

// Version is empty: no boot files made this system.
func Version() string { return "" }

// Start refuses.
func Start(context.Context, *slog.Logger) (*System, error) { return nil, errLinuxOnly }

// Network refuses.
func (*System) Network(context.Context) error { return errLinuxOnly }

// LoadModules refuses.
func (*System) LoadModules(context.Context, ...string) error { return errLinuxOnly }

// AddTools refuses.
func (*System) AddTools(func() (io.ReadCloser, error)) error { return errLinuxOnly }

// LoadKernel refuses.
func (*System) LoadKernel(context.Context, string) error { return errLinuxOnly }

// Leave refuses.
func (*System) Leave(Way) error { return errLinuxOnly }
