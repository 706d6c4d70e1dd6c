package temporal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"

	"millwright/workflows"
)

// ErrUnknownBuild is that no worker of this build has ever asked for work, or
// that it is so long ago that Temporal forgot.
var ErrUnknownBuild = errors.New("no worker of this build is known to Temporal")

// BuildState is what a build of workers is there for.
type BuildState string

// A build is ready when its workers ask for work and get none; current when new
// runs go to it; then draining while runs are pinned to it, and drained.
const (
	Ready    BuildState = "ready"
	Current  BuildState = "current"
	Draining BuildState = "draining"
	Drained  BuildState = "drained"
)

// Build is one build of workers.
type Build struct {
	ID    string     `json:"build"`
	State BuildState `json:"state"`
	Since time.Time  `json:"since"` // when its workers were first heard of
	Open  int64      `json:"open"`  // runs that it has, of all types
}

// Builds lists the builds whose workers are known, the newest first.
func (r Runs) Builds(ctx context.Context) ([]Build, error) {
	described, err := r.deployment().Describe(ctx, client.WorkerDeploymentDescribeOptions{})
	if gone(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("describe the worker deployment %s: %w", workflows.Deployment, err)
	}
	now := described.Info.RoutingConfig.CurrentVersion
	var builds []Build
	for _, v := range described.Info.VersionSummaries {
		b := Build{ID: v.Version.BuildID, State: stateOf(v.DrainageStatus), Since: v.CreateTime}
		if now != nil && now.BuildID == b.ID {
			b.State = Current
		}
		if b.Open, err = r.count(ctx, openOn(b.ID)); err != nil {
			return nil, err
		}
		builds = append(builds, b)
	}
	slices.SortFunc(builds, func(a, b Build) int { return b.Since.Compare(a.Since) })
	return builds, nil
}

func stateOf(s client.WorkerDeploymentVersionDrainageStatus) BuildState {
	switch s {
	case client.WorkerDeploymentVersionDrainageStatusDraining:
		return Draining
	case client.WorkerDeploymentVersionDrainageStatusDrained:
		return Drained
	}
	return Ready
}

// Build is one of them, or ErrUnknownBuild.
func (r Runs) Build(ctx context.Context, id string) (Build, error) {
	builds, err := r.Builds(ctx)
	if err != nil {
		return Build{}, err
	}
	for _, b := range builds {
		if b.ID == id {
			return b, nil
		}
	}
	return Build{}, fmt.Errorf("build %s: %w", id, ErrUnknownBuild)
}

// MakeCurrent gives new runs to a build, and those that are not pinned go on
// with it. Temporal refuses until the build's workers poll every queue that the
// current build's do, and that is an error. Safe to repeat.
func (r Runs) MakeCurrent(ctx context.Context, build string) error {
	_, err := r.deployment().SetCurrentVersion(ctx, client.WorkerDeploymentSetCurrentVersionOptions{BuildID: build})
	var precondition *serviceerror.FailedPrecondition
	switch {
	case gone(err):
		return fmt.Errorf("make build %s current: %w", build, ErrUnknownBuild)
	case errors.As(err, &precondition):
		return fmt.Errorf("make build %s current: its workers do not poll every queue yet: %w", build, err)
	case err != nil:
		return fmt.Errorf("make build %s current: %w", build, err)
	}
	return nil
}

func (r Runs) deployment() client.WorkerDeploymentHandle {
	return r.Client.WorkerDeploymentClient().GetHandle(workflows.Deployment)
}

func version(build string) worker.WorkerDeploymentVersion {
	return worker.WorkerDeploymentVersion{DeploymentName: workflows.Deployment, BuildID: build}
}
