//go:build !linux

package stack

import "errors"

// Disk is a disk that can be full; there is none outside of Linux.
type Disk struct{}

var errNoDisk = errors.New("a disk of postgres' own needs Linux")

func mount(string, int64) (*Disk, error) { return nil, errNoDisk }

// Fill has no disk to fill.
func (d *Disk) Fill() error { return errNoDisk }

// Free has no disk to free.
func (d *Disk) Free() error { return errNoDisk }

func (d *Disk) unmount() error { return nil }
