package main

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"

	"millwright/internal/agent"
	"millwright/internal/drive"
	"millwright/internal/image"
	"millwright/internal/metal"
	"millwright/internal/seed"
)

// Check plans the layout without touching a disk.
func (d *drives) Check(_ context.Context, in agent.Install) error {
	if _, err := image.ParseID(in.Image); err != nil {
		return err
	}
	_, err := d.plan(in)
	return err
}

func (d *drives) plan(in agent.Install) (plan drive.Plan, err error) {
	var layout drive.Layout
	if len(in.Storage) > 0 {
		if layout, err = drive.ParseLayout(in.Storage); err != nil {
			return plan, fmt.Errorf("read the layout of the disks: %w", err)
		}
	}
	disks, err := d.disks()
	if err != nil {
		return plan, err
	}
	need := in.Size
	if in.FirstBoot.Seed != nil {
		need += seed.Room
	}
	return layout.Plan(disks, need)
}

// Lay plans once more: disks may have gone while they were erased. The data
// disks come first, because nothing is lost yet where one refuses.
func (d *drives) Lay(ctx context.Context, in agent.Install, tell agent.Tell) error {
	plan, err := d.plan(in)
	if err != nil {
		return err
	}
	programs := drive.DefaultPrograms()
	for i, volume := range plan.Data {
		tell(int64(i), int64(len(plan.Data)), volume.Disk.Path)
		if err := programs.Format(ctx, volume); err != nil {
			return err
		}
	}
	path, err := programs.Prepare(ctx, plan)
	if err != nil {
		return err
	}
	// The kernel's own name: what looks for partitions in sysfs knows no other.
	d.boot, err = filepath.EvalSymlinks(path)
	return err
}

// Configure tells the written system what it needs on its first boot.
func (d *drives) Configure(ctx context.Context, first metal.FirstBoot, tell agent.Tell) error {
	if first.Seed != nil {
		tell(0, 2, "seed")
		if err := seed.Plant(d.boot, *first.Seed); err != nil {
			return fmt.Errorf("%s: %w", d.describe(d.boot), err)
		}
	}
	if len(first.Files) > 0 {
		tell(1, 2, "files")
		if err := seed.Write(ctx, d.boot, first.Files); err != nil {
			return fmt.Errorf("%s: %w", d.describe(d.boot), err)
		}
	}
	return nil
}

// bootDisk is where the system is; after a crash of the agent, where a system
// would have been put that asked for nothing.
func (d *drives) bootDisk() (string, error) {
	if d.boot != "" {
		return d.boot, nil
	}
	plan, err := d.plan(agent.Install{})
	return plan.Boot.Path, err
}

// stopArrays lets go of the disks of an array that an interrupted install has
// made. It is for a RAM system, where every array is one of those.
func stopArrays(ctx context.Context) error {
	out, err := exec.CommandContext(ctx, drive.DefaultPrograms().Mdadm, "--stop", "--scan").CombinedOutput()
	if err != nil {
		return fmt.Errorf("stop the arrays of an earlier install: %w: %.300s", err, out)
	}
	return nil
}
