package agent

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"

	"millwright/internal/metal"
)

// do does a destructive job and puts its end into words.
func (a *agent) do(ctx context.Context, job Job) Report {
	a.Log.Info("job begins", "job", job.Job, "boot", a.Boot)
	report, err := a.try(ctx, job)
	if err != nil {
		a.Log.Error("job ends", "job", job.Job, "boot", a.Boot, "error", err)
		return Report{Kind: metal.AgentFail, Detail: Clip(err.Error())}
	}
	a.Log.Info("job ends", "job", job.Job, "boot", a.Boot)
	report.Detail = Clip(report.Detail)
	return report
}

func (a *agent) try(ctx context.Context, job Job) (Report, error) {
	if job.Job == metal.JobInstall {
		return a.install(ctx, job)
	}
	proof, err := a.Disks.Erase(ctx)
	if err != nil {
		return Report{}, fmt.Errorf("erase: %w", err)
	}
	return Report{Kind: metal.Erased, Detail: proof}, nil
}

// install ends with an image whose bytes were read back from the disk. The
// erasure comes first and always: what an image does not cover would otherwise
// be the last tenant's.
func (a *agent) install(ctx context.Context, job Job) (Report, error) {
	if job.Image == nil {
		return Report{}, errors.New("install: the job names no image")
	}
	proof, err := a.Disks.Erase(ctx)
	if err != nil {
		return Report{}, fmt.Errorf("erase before install: %w", err)
	}
	if err := a.write(ctx, *job.Image); err != nil {
		return Report{}, err
	}
	if err := a.Disks.Verify(ctx, job.Image.SHA256, job.Image.Size); err != nil {
		return Report{}, fmt.Errorf("read back image %s: %w", job.Image.File, err)
	}
	if err := a.Disks.Configure(ctx, a.firstBoot(job)); err != nil {
		return Report{}, fmt.Errorf("configure first boot: %w", err)
	}
	return Report{Kind: metal.Installed, Detail: proof}, nil
}

// firstBoot names this boot in both URLs: so a boot service that cannot ask
// Postgres can tell this system from the one before or after it.
func (a *agent) firstBoot(job Job) FirstBoot {
	boot := "?" + QueryBoot + "=" + strconv.FormatInt(int64(a.Boot), 10)
	return FirstBoot{
		Hostname:     job.Hostname,
		MetadataURL:  a.URL + "/metadata" + boot,
		PhoneHomeURL: a.URL + "/phone-home" + boot,
	}
}

// write hashes what passes, so that a wrong image is told from a bad disk.
func (a *agent) write(ctx context.Context, img Image) error {
	body := a.download(ctx, img)
	defer func() { _ = body.Close() }()
	hash := sha256.New()
	if err := a.Disks.Write(ctx, io.TeeReader(body, hash), img.Size); err != nil {
		return fmt.Errorf("write image %s: %w", img.File, err)
	}
	if got := hex.EncodeToString(hash.Sum(nil)); got != img.SHA256 {
		return fmt.Errorf("image %s: its SHA-256 is %s, the job says %s", img.File, got, img.SHA256)
	}
	return nil
}
