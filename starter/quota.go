package main

import (
	"context"

	"millwright/internal/metal"
)

// quotaCommand is for all that projects may have a limit of; ip quota, beside
// it, for addresses alone.
type quotaCommand struct {
	Show ipQuotaShow `cmd:"" help:"Show what projects may have, and have."`
	Set  quotaSet    `cmd:"" help:"Limit a project."`
}

type quotaSet struct {
	Project  metal.ProjectID `arg:"" help:"Whose."`
	Resource string          `arg:"" help:"devices: in all; devices/c1.small: of one plan; public-ipv4, reserved-ipv4, reserved-ipv6: as starter ip quota has them."`
	Most     int64           `env:"-" xor:"most" required:"" help:"How many."`
	NoLimit  bool            `env:"-" xor:"most" required:"" help:"Lift the limit."`
}

// Run sets or lifts a limit. The store knows what there are limits of.
func (c quotaSet) Run(ctx context.Context, a *app) error { return ipQuotaSet(c).Run(ctx, a) }
