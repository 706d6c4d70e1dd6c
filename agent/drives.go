package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"

	"millwright/internal/agent"
	"millwright/internal/drive"
	"millwright/internal/erasure"
	"millwright/internal/image"
	"millwright/internal/metal"
)

// drives is every disk of the machine, as they are at each moment: a disk may
// appear late, or be gone.
type drives struct {
	list    func() ([]drive.Disk, error)
	images  *image.Remote
	release func(context.Context) error // lets go of disks that arrays hold; nil where there are none

	boot   string          // what the image goes to: a disk or a mirror
	zeroed map[string]bool // disks that were read whole and hold nothing but zeros
}

var _ agent.Disks = (*drives)(nil)

var errNoDisks = errors.New("this machine shows no disk: look at its controller's mode, and whether the kernel has a module for it")

// disks are all of them. One that cannot be described is not left out: its
// content would be.
func (d *drives) disks() ([]drive.Disk, error) {
	disks, err := d.list()
	if err == nil && len(disks) == 0 {
		err = errNoDisks
	}
	return disks, err
}

// Size is 0 where no disk can be seen; what follows says so.
func (d *drives) Size() (largest int64) {
	disks, _ := d.list()
	for _, disk := range disks {
		largest = max(largest, disk.Size)
	}
	return largest
}

// Erase erases all disks at once: each has its own link, and the slowest of
// them takes hours.
func (d *drives) Erase(ctx context.Context, mode metal.EraseMode, tell agent.Tell) ([]json.RawMessage, error) {
	disks, err := d.disks()
	if err == nil && d.release != nil {
		err = d.release(ctx)
	}
	if err != nil {
		return nil, err
	}
	certificates, errs := make([]erasure.Certificate, len(disks)), make([]error, len(disks))
	said := newProgress(len(disks), tell)
	var all sync.WaitGroup
	for i, disk := range disks {
		all.Go(func() {
			certificates[i], errs[i] = drive.Erase(ctx, disk, erasure.Mode(mode), said.of(i, disk.Path))
		})
	}
	all.Wait()
	d.zeroed = map[string]bool{}
	var texts []json.RawMessage
	for i, c := range certificates {
		if errs[i] != nil {
			continue
		}
		d.zeroed[c.Path] = c.Verified.Zero && c.Verified.Extent == erasure.Whole
		text, err := c.Canonical()
		texts, errs[i] = append(texts, text), err
	}
	return texts, errors.Join(errs...)
}

// progress sums what the disks say.
type progress struct {
	mu      sync.Mutex
	percent []int
	tell    agent.Tell
}

func newProgress(n int, tell agent.Tell) *progress {
	return &progress{percent: make([]int, n), tell: tell}
}

func (p *progress) of(i int, path string) drive.Progress {
	return func(step string, percent int) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.percent[i] = percent
		sum := 0
		for _, n := range p.percent {
			sum += n
		}
		p.tell(int64(sum), int64(100*len(p.percent)), path+": "+step)
	}
}

// Write brings the image onto what Lay has chosen.
func (d *drives) Write(ctx context.Context, in agent.Install, tell agent.Tell) (string, error) {
	id, err := image.ParseID(in.Image)
	if err != nil {
		return "", err
	}
	writer := image.Writer{From: d.images, Erased: d.zeroed[d.boot]}
	writer.Progress = func(done, size int64) { tell(done, size, d.boot) }
	proof, err := writer.Install(ctx, id, d.boot)
	if err != nil {
		return "", fmt.Errorf("%s: %w", d.describe(d.boot), err)
	}
	return proof.String(), nil
}

// describe names a disk as people find it in a rack.
func (d *drives) describe(path string) string {
	disks, _ := d.list()
	for _, disk := range disks {
		if disk.Path == path {
			return fmt.Sprintf("disk %s of %d bytes", disk, disk.Size)
		}
	}
	return "disk " + path
}

// given are disks named by hand: files and devices on a laptop. They know no
// command, and are told apart by where they are.
func given(paths []string) func() ([]drive.Disk, error) {
	return func() (disks []drive.Disk, err error) {
		for _, path := range paths {
			file, err := os.Open(path)
			if err != nil {
				return nil, err
			}
			size, err := file.Seek(0, 2)
			if err := errors.Join(err, file.Close()); err != nil {
				return nil, err
			}
			disks = append(disks, drive.Disk{Path: path, Transport: drive.Other, Serial: path, Size: size, LogicalBlock: 512})
		}
		return disks, nil
	}
}
