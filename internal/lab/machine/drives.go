package machine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"millwright/internal/agent"
	"millwright/internal/metal"
)

// drives is all disks of a machine as its agent sees them.
type drives struct {
	*Machine
	die func() // ends the agent as a kernel panic does
}

var _ agent.Disks = drives{}

// Erase empties every disk, reads it back, and lists the disks as the proof.
func (d drives) Erase(ctx context.Context) (string, error) {
	if fault, struck := d.strike(EraseUnproven); struck {
		return "", fmt.Errorf("machine %s: disk %s: read back after erase: %s: %w",
			d.config.Machine.ID, d.disks[0].serial, fault.Name, metal.ErrUnprovenErasure)
	}
	proofs := make([]string, len(d.disks))
	for i, disk := range d.disks {
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		had := disk.left()
		disk.erase()
		if left := disk.left(); left > 0 {
			return "", fmt.Errorf("machine %s: disk %s: %d bytes are left after erase: %w",
				d.config.Machine.ID, disk.serial, left, metal.ErrUnprovenErasure)
		}
		proofs[i] = fmt.Sprintf("%s: %d bytes overwritten, reads as zero", disk.serial, had)
	}
	return strings.Join(proofs, "; "), nil
}

var errMedium = errors.New("medium error: unrecovered write fault")

// Write puts the image on the first disk, piece by piece, so that it can be
// interrupted half way as a real one is.
func (d drives) Write(ctx context.Context, image io.Reader, size int64) error {
	disk := d.disks[0]
	disk.begin()
	for written := int64(0); written < size; {
		// A quarter at a time: half way exists for every size.
		piece := make([]byte, min(max(size/4, 1), size-written))
		if _, err := io.ReadFull(image, piece); err != nil {
			return fmt.Errorf("disk %s: at byte %d of %d: %w", disk.serial, written, size, err)
		}
		if err := d.failing(ctx, written >= size/2); err != nil {
			return fmt.Errorf("disk %s: at byte %d of %d: %w", disk.serial, written, size, err)
		}
		disk.append(piece)
		written += int64(len(piece))
	}
	disk.finish()
	return nil
}

// failing is whatever keeps the next piece from the disk.
func (d drives) failing(ctx context.Context, half bool) error {
	if !half {
		return ctx.Err()
	}
	if _, struck := d.strike(DiskError); struck {
		return errMedium
	}
	if _, struck := d.strike(AgentDies); struck {
		d.die()
		<-ctx.Done()
	}
	return ctx.Err()
}

// Verify compares what can be read back.
func (d drives) Verify(_ context.Context, sha256 string, size int64) error {
	disk := d.disks[0]
	if sum, bytes := disk.digest(); sum != sha256 || bytes != size {
		return fmt.Errorf("disk %s: read back %d bytes with SHA-256 %s, want %d with %s",
			disk.serial, bytes, sum, size, sha256)
	}
	return nil
}

// Configure writes the first-boot file beside the system.
func (d drives) Configure(_ context.Context, first agent.FirstBoot) error {
	return d.disks[0].configure(first)
}
