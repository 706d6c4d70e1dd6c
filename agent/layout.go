package main

import (
	"context"
	"errors"
	"fmt"

	"millwright/internal/agent"
	"millwright/internal/drive"
	"millwright/internal/image"
	"millwright/internal/metal"
)

// Check chooses the boot disk, without touching it.
func (d *drives) Check(_ context.Context, in agent.Install) error {
	if _, err := image.ParseID(in.Image); err != nil {
		return err
	}
	_, err := d.choose(in)
	return err
}

func (d *drives) choose(in agent.Install) (drive.Disk, error) {
	disks, err := d.disks()
	if err != nil {
		return drive.Disk{}, err
	}
	if disks[0].Size < in.Size {
		return disks[0], fmt.Errorf("disk %s: %w", disks[0], &image.TooSmallError{Disk: disks[0].Path, Has: disks[0].Size, Needs: in.Size})
	}
	return disks[0], nil
}

// Lay chooses once more: disks may have gone while they were erased.
func (d *drives) Lay(_ context.Context, in agent.Install, _ agent.Tell) error {
	disk, err := d.choose(in)
	d.boot = disk.Path
	return err
}

// Configure tells the written system what it needs on its first boot.
func (d *drives) Configure(_ context.Context, first metal.FirstBoot, _ agent.Tell) error {
	if first.Seed != nil || len(first.Files) > 0 {
		return errors.New("first-boot configuration: not supported")
	}
	return nil
}
