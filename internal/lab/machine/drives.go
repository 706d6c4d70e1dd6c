package machine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"millwright/internal/agent"
	"millwright/internal/erasure"
	"millwright/internal/image"
	"millwright/internal/metal"
)

// drives is all disks of a machine as its agent sees them.
type drives struct {
	*Machine
	boot   metal.BootNumber
	images *image.Remote // at the boot service, over the machine's own wire
	die    func()        // ends the agent as a kernel panic does
}

var _ agent.Disks = drives{}

// Size is of all disks together.
func (d drives) Size() (all int64) {
	for _, disk := range d.disks {
		all += disk.size
	}
	return all
}

// Check finds nothing that could not be.
func (d drives) Check(_ context.Context, in agent.Install) error {
	if in.Size > d.disks[0].size {
		return &image.TooSmallError{Disk: d.disks[0].serial, Has: d.disks[0].size, Needs: in.Size}
	}
	_, err := image.ParseID(in.Image)
	return err
}

// Lay has no mirrors to make.
func (d drives) Lay(ctx context.Context, _ agent.Install, _ agent.Tell) error { return ctx.Err() }

// Erase empties every disk and reads it back.
func (d drives) Erase(ctx context.Context, mode metal.EraseMode, tell agent.Tell) (certificates []json.RawMessage, err error) {
	for i, disk := range d.disks {
		tell(int64(i), int64(len(d.disks)), disk.serial)
		if ctx.Err() != nil {
			return certificates, ctx.Err()
		}
		began := time.Now()
		had := disk.left()
		if _, struck := d.strike(EraseUnproven); !struck {
			disk.erase()
		} else if had == 0 {
			had = 1 // the fault is of a disk that held something
			disk.write(0, []byte{1})
		}
		if left := disk.left(); left > 0 {
			return certificates, fmt.Errorf("machine %s: disk %s: %d bytes are left after erase: %w",
				d.config.Machine.ID, disk.serial, left, metal.ErrUnprovenErasure)
		}
		text, err := d.certificate(i, mode, int64(had), began).Canonical()
		if err != nil {
			return certificates, err
		}
		certificates = append(certificates, text)
	}
	return certificates, nil
}

// certificate is what a real agent would have found out about such a disk.
func (d drives) certificate(i int, mode metal.EraseMode, had int64, began time.Time) erasure.Certificate {
	c := erasure.Certificate{
		Machine: d.config.Machine.ID, Boot: d.boot, Path: fmt.Sprintf("/dev/sim%d", i), Serial: d.disks[i].serial,
		Model: "Simulated disk", Transport: "virtual", Size: d.disks[i].size, Mode: erasure.Mode(mode),
		Method: "memory given back", Grade: erasure.Clear, Result: erasure.Erased,
		Verified: erasure.Verified{Extent: erasure.Whole, Bytes: d.disks[i].size, Pieces: 1, Zero: true, Known: had},
		Started:  began, Ended: time.Now(), Tool: "millwright lab",
	}
	if c.Mode == erasure.Express {
		c.Grade, c.Verified.Extent = erasure.Ungraded, erasure.Places
	}
	return c
}

var errMedium = errors.New("medium error: unrecovered write fault")

// Write puts the image on the first disk, half a block at a time so that it can
// be interrupted within the smallest image, and reads it back.
func (d drives) Write(ctx context.Context, in agent.Install, tell agent.Tell) (string, error) {
	id, err := image.ParseID(in.Image)
	if err != nil {
		return "", err
	}
	ix, err := d.images.Index(ctx, id)
	if err != nil {
		return "", err
	}
	disk := d.disks[0]
	disk.begin()
	for i, block := range ix.Blocks {
		raw, err := d.images.Block(ctx, id, ix, block)
		if err != nil {
			return "", err
		}
		offset, _ := ix.Span(int64(block.Number))
		half := len(raw) / 2
		disk.write(offset, raw[:half])
		if err := d.failing(ctx, 2*i+1 >= len(ix.Blocks)); err != nil {
			return "", fmt.Errorf("disk %s: at byte %d of %d: %w", disk.serial, offset+int64(half), ix.Size, err)
		}
		disk.write(offset+int64(half), raw[half:])
		if string(disk.read(offset, len(raw))) != string(raw) {
			return "", &image.ProofError{Disk: disk.serial, Block: int64(block.Number), Offset: offset}
		}
		tell(offset, ix.Size, "")
	}
	disk.write(ix.Size, nil) // holes at the end
	disk.finish()
	proof := image.Proof{Image: id, Disk: disk.serial, Size: ix.Size, Blocks: len(ix.Blocks), Holes: ix.Count() - int64(len(ix.Blocks))}
	return proof.String(), nil
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

// Configure writes the first-boot file beside the system.
func (d drives) Configure(_ context.Context, first metal.FirstBoot, _ agent.Tell) error {
	return d.disks[0].configure(first)
}
