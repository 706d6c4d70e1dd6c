package burnin

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"math/big"
	"strconv"
	"sync"
	"time"

	"millwright/internal/metal"
)

// disks tests all of them at once, as their tenant will: power supplies and
// controllers are found wanting when all disks work.
func (b *bench) disks(ctx context.Context, length time.Duration) []metal.BurnInResult {
	none := func(why string) []metal.BurnInResult {
		return []metal.BurnInResult{failed(metal.BurnInResult{Test: testDisk}, why)}
	}
	if b.Disks == nil {
		return none("this agent was given no disks to test")
	}
	disks, err := b.Disks()
	if err != nil {
		return none("list the disks: " + err.Error())
	}
	if len(disks) == 0 {
		return none("this machine shows no disk: look at its controller's mode, and whether the kernel has a module for it")
	}
	results := make([]metal.BurnInResult, len(disks))
	var all sync.WaitGroup
	for i, disk := range disks {
		all.Go(func() { results[i] = b.disk(ctx, disk, length) })
	}
	all.Wait()
	return results
}

// pass is one way over a disk: what is written in a fifth of the time is read
// back and compared, for which it has three tenths. Disks read faster than they
// write; of one that does not, less is read back, and the figures say how much.
type pass struct {
	name    string // of its figures
	pattern string // fio's order
	write   []string
}

func (b *bench) disk(ctx context.Context, disk Disk, length time.Duration) metal.BurnInResult {
	r := metal.BurnInResult{Test: testDisk, Part: disk.Serial, Passed: true, Figures: map[string]float64{}}
	if r.Part == "" {
		r.Part = disk.Path
	}
	began := time.Now()
	for _, p := range passes() {
		if err := b.pass(ctx, disk, p, length/2, &r); err != nil {
			r = failed(r, fmt.Sprintf("%s, %s: %v", disk.Path, p.name, err))
			break // a disk that lost a block has been found out
		}
	}
	r.Seconds = time.Since(began).Round(time.Millisecond).Seconds()
	return r
}

// passes differ each time, so that nothing which an earlier burn-in has left on
// a disk passes for what a disk was to write now.
//
// The first writes noise in one piece after another, each with its sum: bits of
// all kinds. Its blocks know where they belong, but not when they were written.
// The second goes anywhere on the disk, and its blocks hold a word that nobody
// could know before and their place: a write that was lost, or went elsewhere,
// leaves another one. fio's lfsr needs no memory for which blocks were written.
func passes() []pass {
	word := make([]byte, 8)
	_, _ = rand.Read(word) // never fails
	seed, _ := rand.Int(rand.Reader, big.NewInt(1<<31))
	return []pass{
		{"sequential", "", []string{"--bs=1M", "--verify=crc32c", "--randseed=" + seed.String()}},
		{"random", "rand", []string{"--bs=4k", "--random_generator=lfsr", "--randseed=" + seed.String(), "--verify=pattern", "--verify_pattern=0x" + hex.EncodeToString(word) + "%o"}},
	}
}

func (b *bench) pass(ctx context.Context, disk Disk, p pass, length time.Duration, r *metal.BurnInResult) error {
	wrote, err := b.fio(ctx, disk, p.pattern+"write", length*2/5, append(p.write, "--do_verify=0", "--end_fsync=1")...)
	if err != nil {
		return fmt.Errorf("write: %w", err)
	}
	r.Figures[p.name+"_write_mib_s"], r.Figures[p.name+"_written_mib"] = mib(wrote.Write.Rate), mib(wrote.Write.Bytes)
	r.Figures["slowest_ms"] = max(r.Figures["slowest_ms"], wrote.Write.Latency.Max/1e6)
	if wrote.Write.Bytes == 0 {
		return fmt.Errorf("write: nothing was written in %s", (length * 2 / 5).Round(time.Millisecond))
	}
	read, err := b.fio(ctx, disk, p.pattern+"read", length*3/5, append(p.write, "--continue_on_error=verify",
		"--io_size="+strconv.FormatInt(int64(wrote.Write.Bytes), 10))...)
	r.Figures[p.name+"_read_mib_s"], r.Figures[p.name+"_verified_mib"] = mib(read.Read.Rate), mib(read.Read.Bytes)
	r.Figures["slowest_ms"] = max(r.Figures["slowest_ms"], read.Read.Latency.Max/1e6)
	if read.Errors > 0 {
		r.Figures["bad_blocks"] = read.Errors
	}
	if err == nil && read.Read.Bytes == 0 {
		err = fmt.Errorf("nothing came back in %s", (length * 3 / 5).Round(time.Millisecond))
	}
	if err != nil {
		return fmt.Errorf("read back: %w", err)
	}
	return nil
}

func mib(bytes float64) float64 { return bytes / (1 << 20) }
