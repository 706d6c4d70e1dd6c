package burnin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// fioJob is what fio says of its one job.
type fioJob struct {
	Error  int          `json:"error"`     // an errno; 0 where all went well
	Errors float64      `json:"total_err"` // how many blocks were not what was written
	Read   fioDirection `json:"read"`
	Write  fioDirection `json:"write"`
}

type fioDirection struct {
	Bytes   float64 `json:"io_bytes"`
	Rate    float64 `json:"bw_bytes"` // a second
	IOPS    float64 `json:"iops"`
	Latency struct {
		Max float64 `json:"max"`
	} `json:"clat_ns"`
}

// fio works on one disk for a time. It bypasses the page cache, or memory would
// be tested once more. What it measured is given even with an error.
func (b *bench) fio(ctx context.Context, disk Disk, order string, length time.Duration, more ...string) (fioJob, error) {
	args := append([]string{
		// A colon parts the names of files for fio.
		"--name=burn-in", "--filename=" + strings.ReplaceAll(disk.Path, ":", `\:`), "--size=" + strconv.FormatInt(disk.Size, 10),
		"--rw=" + order, "--runtime=" + strconv.FormatInt(length.Milliseconds(), 10) + "ms",
		// A disk that is gone must not become a file of its size in the RAM system's /dev.
		"--allow_file_create=0",
		"--ioengine=libaio", "--direct=1", "--iodepth=32", "--thread", "--eta=never", "--output-format=json",
	}, more...)
	got, err := run(ctx, b.Scratch, length, b.FIO, args...)
	if err != nil {
		return fioJob{}, err
	}
	job, err := parseFIO(got.out)
	if err != nil {
		return fioJob{}, fmt.Errorf("fio ended with status %d: %s: %w", got.code, got.err, err)
	}
	if job.Error != 0 || job.Errors != 0 || got.code != 0 {
		return job, errors.New(reason(job, got))
	}
	return job, nil
}

// parseFIO wants one object with one job in it, and nothing else.
func parseFIO(text []byte) (fioJob, error) {
	var report struct {
		Jobs []fioJob `json:"jobs"`
	}
	if err := json.Unmarshal(text, &report); err != nil {
		return fioJob{}, fmt.Errorf("read what fio measured: %w", err)
	}
	if len(report.Jobs) != 1 {
		return fioJob{}, fmt.Errorf("read what fio measured: %d jobs, want one", len(report.Jobs))
	}
	return report.Jobs[0], nil
}

// reason is in fio's words: the first place that is wrong.
func reason(job fioJob, got said) string {
	what := fmt.Sprintf("fio ended with status %d", got.code)
	if job.Error != 0 {
		what = syscall.Errno(job.Error).Error()
	}
	if syscall.Errno(job.Error) == syscall.EILSEQ {
		what = "what came back is not what was written"
	}
	for line := range strings.Lines(string(got.err)) {
		if strings.Contains(line, "failed") || strings.Contains(line, "error") {
			return what + ": " + strings.TrimSpace(line)
		}
	}
	return what
}
