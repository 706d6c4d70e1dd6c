package drive

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Programs are the paths of what lays out disks. A name without a slash is
// looked for in PATH.
type Programs struct {
	Mdadm, Sfdisk, Ext4, XFS string
}

// DefaultPrograms are Debian's names for them.
func DefaultPrograms() Programs {
	return Programs{Mdadm: "mdadm", Sfdisk: "sfdisk", Ext4: "mkfs.ext4", XFS: "mkfs.xfs"}
}

// mirrorPath is the array of the boot disk. The name stands in its metadata, and
// the installed system finds it under the same one.
const mirrorPath = "/dev/md/boot"

// Prepare makes the mirror if the plan has one, and says where the image is to
// be written. Both disks are expected to be erased. It may be called again: an
// array that has both disks is taken as it is.
func (p Programs) Prepare(ctx context.Context, plan Plan) (string, error) {
	if plan.Mirror == nil {
		return plan.Boot.Path, nil
	}
	if p.assembled(ctx, plan) {
		return mirrorPath, nil
	}
	args := mirrorArguments(plan.Boot.Path, plan.Mirror.Path)
	if _, err := run(ctx, "", p.Mdadm, args...); err != nil {
		return "", fmt.Errorf("mirror %s and %s: %w", plan.Boot, *plan.Mirror, err)
	}
	return mirrorPath, nil
}

// mirrorArguments make an array with metadata 1.0, which lies at the end: each
// half then looks like a plain disk to firmware, with the image's own partition
// table and EFI partition, and either boots alone. The second disk is copied
// from the first in the background.
func mirrorArguments(first, second string) []string {
	return []string{
		"--create", mirrorPath, "--run", "--level=1", "--raid-devices=2", "--metadata=1.0",
		"--bitmap=internal", "--homehost=any", "--name=boot", first, second,
	}
}

// assembled says whether the array is there with both disks in it.
func (p Programs) assembled(ctx context.Context, plan Plan) bool {
	out, err := run(ctx, "", p.Mdadm, "--detail", "--export", mirrorPath)
	if err != nil {
		return false
	}
	has := func(disk Disk) bool { return strings.Contains(out, "_DEV="+disk.Path+"\n") }
	return has(plan.Boot) && has(*plan.Mirror)
}

// Format gives a data disk a GPT with one partition over all of it, and a file
// system with the volume's label. It is for a disk that was erased; called again
// it begins anew.
func (p Programs) Format(ctx context.Context, placed Placed) error {
	if err := p.format(ctx, placed); err != nil {
		return fmt.Errorf("format %s as %s %q: %w", placed.Disk, placed.Volume.Filesystem, placed.Volume.Label, err)
	}
	return nil
}

func (p Programs) format(ctx context.Context, placed Placed) error {
	volume, disk := placed.Volume, placed.Disk.Path
	if err := volume.validate(); err != nil {
		return err
	}
	// 0FC63DAF-… is "Linux filesystem data" (Discoverable Partitions Specification).
	script := fmt.Sprintf("label: gpt\nstart=1MiB, type=0FC63DAF-8483-4772-8E79-3D69D8477DE4, name=%s\n", volume.Label)
	if _, err := run(ctx, script, p.Sfdisk, "--wipe=always", "--wipe-partitions=always", disk); err != nil {
		return err
	}
	partition, err := firstPartition(ctx, disk)
	if err != nil {
		return err
	}
	switch volume.Filesystem {
	case XFS:
		_, err = run(ctx, "", p.XFS, "-q", "-f", "-L", volume.Label, partition)
	default:
		_, err = run(ctx, "", p.Ext4, "-q", "-F", "-L", volume.Label, partition)
	}
	return err
}

// partitionWait is how long devtmpfs may take to show what the kernel has been
// told of a partition: milliseconds, unless the machine is very busy.
const partitionWait = 20 * time.Second

// firstPartition waits for its device. A disk whose name ends in a digit has a p
// before the partition's number.
func firstPartition(ctx context.Context, disk string) (string, error) {
	disk, err := filepath.EvalSymlinks(disk)
	if err != nil {
		return "", err
	}
	partition := disk + "1"
	if lastDigits(disk) != "" {
		partition = disk + "p1"
	}
	ctx, cancel := context.WithTimeout(ctx, partitionWait)
	defer cancel()
	for {
		if _, err := os.Stat(partition); err == nil {
			return partition, nil
		}
		if pause(ctx, 50*time.Millisecond) != nil {
			return "", fmt.Errorf("partition %s does not appear: %w", partition, context.Cause(ctx))
		}
	}
}

func lastDigits(path string) string {
	return path[len(strings.TrimRight(path, "0123456789")):]
}

// run runs a program with its input, and gives what it printed. Its words are
// part of the error: such programs say what is wrong.
func run(ctx context.Context, input, program string, args ...string) (string, error) {
	program, err := find(program)
	if err != nil {
		return "", err
	}
	command := exec.CommandContext(ctx, program, args...)
	command.Env = append(os.Environ(), "LC_ALL=C")
	command.Stdin = strings.NewReader(input)
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	if err := command.Run(); err != nil {
		return "", fmt.Errorf("run %s: %w: %.500s", filepath.Base(program), err, strings.TrimSpace(stderr.String()))
	}
	return stdout.String(), nil
}

// find looks in the folders of PATH, and where Debian keeps an administrator's
// programs.
func find(program string) (string, error) {
	found, err := exec.LookPath(program)
	for _, dir := range []string{"/usr/sbin", "/sbin"} {
		if err != nil && !strings.Contains(program, "/") {
			found, err = exec.LookPath(filepath.Join(dir, program))
		}
	}
	if err != nil {
		return "", fmt.Errorf("run %s: not in this system: add its package: %w", program, err)
	}
	return found, nil
}
