package inventory

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"millwright/internal/drive"
)

// healthTimeout is for one disk: a broken one keeps its commands for long, and
// the list is wanted without it.
const healthTimeout = 30 * time.Second

// atOnce is how many disks are asked at a time.
const atOnce = 8

func (r *reader) disks(ctx context.Context) {
	disks, err := drive.List(r.root)
	if err != nil {
		r.note("%v", err)
	}
	disks = head(disks)
	r.found.Disks = make([]Disk, len(disks))
	var group errgroup.Group
	group.SetLimit(atOnce)
	for i, disk := range disks {
		group.Go(func() error {
			r.found.Disks[i] = Disk{disk, r.health(ctx, disk)}
			return nil
		})
	}
	_ = group.Wait() // none of them returns an error
}

func (r *reader) health(ctx context.Context, disk drive.Disk) drive.Health {
	if !r.live() {
		return drive.Health{Condition: drive.Unknown}
	}
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	health, err := drive.CheckHealth(ctx, disk)
	if err != nil {
		r.note("%v", err)
	}
	return health
}
