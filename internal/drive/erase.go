package drive

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"millwright/internal/erasure"
	"millwright/internal/metal"
)

// Progress is told how far a step is, in per cent. It may be nil, and must
// return at once.
type Progress func(step string, percent int)

func (p Progress) tell(step string, percent int) {
	if p != nil {
		p(step, percent)
	}
}

// method is one way to erase a disk.
type method struct {
	name       string
	purges     bool // else it clears: NIST SP 800-88 Rev. 1, appendix A
	zeroes     bool // promises that the disk reads as zero afterwards
	whole      bool // is only believed after all of the disk was read
	allSectors bool // reaches those that an HPA or a DCO hides
	run        func(context.Context, Progress) error
}

func (m method) grade() erasure.Grade {
	if m.purges {
		return erasure.Purge
	}
	return erasure.Clear
}

// protocol is what a disk of one kind can do by commands of its own.
type protocol struct {
	// recover brings it to where it can be read and written, and says what of an
	// earlier boot was under way.
	recover func(context.Context, Progress) (string, error)
	methods func(ctx context.Context, quick bool) ([]method, []string)
	hidden  func(context.Context) (uint64, []string)
	serial  string // the disk's own word; sysfs does not have that of every disk
	zeroing bool   // discarded blocks read as zero, by the disk's own word
}

// speak opens the disk's own protocol.
func speak(ctx context.Context, h handle, disk Disk) (protocol, error) {
	nothing := protocol{
		recover: func(context.Context, Progress) (string, error) { return "", nil },
		methods: func(context.Context, bool) ([]method, []string) { return nil, nil },
		hidden:  func(context.Context) (uint64, []string) { return 0, nil },
	}
	switch p := nothing; disk.Transport {
	case NVMe:
		n, err := openNamespace(ctx, h, disk)
		if err != nil {
			return protocol{}, err
		}
		p.recover, p.zeroing, p.serial = n.recover, n.zeroing(), n.serial()
		p.methods = func(_ context.Context, quick bool) ([]method, []string) { return n.methods(quick) }
		return p, nil
	case SATA:
		a, err := openATA(ctx, h, disk)
		if err != nil {
			return protocol{}, err
		}
		p.recover, p.zeroing, p.hidden, p.serial = a.recover, a.zeroing(), a.hidden, a.serial()
		p.methods = func(_ context.Context, quick bool) ([]method, []string) { return a.methods(quick) }
		return p, nil
	case SAS:
		u, err := openUnit(ctx, h, disk)
		if err != nil {
			return protocol{}, err
		}
		p.recover, p.methods, p.zeroing, p.serial = u.recover, u.methods, u.zeroing(), u.serial
		return p, nil
	}
	return nothing, nil
}

// job is the erasure of one disk.
type job struct {
	handle
	protocol
	disk        Disk
	progress    Progress
	bounds      bounds
	certificate erasure.Certificate
}

// Erase makes a disk's content unreadable, reads it to see that it is, and says
// in the certificate how that is known. Whatever is in doubt is an error; with
// metal.ErrUnprovenErasure in its chain it is one that no retry mends. It may be
// called again after any end: what an earlier boot began is resumed.
func Erase(ctx context.Context, disk Disk, mode erasure.Mode, progress Progress) (erasure.Certificate, error) {
	h, err := openDisk(disk.Path)
	if err != nil {
		return erasure.Certificate{}, fmt.Errorf("erase disk %s: %w", disk, err)
	}
	defer h.Close()
	return eraseOpen(ctx, h, disk, mode, progress)
}

func eraseOpen(ctx context.Context, h handle, disk Disk, mode erasure.Mode, progress Progress) (erasure.Certificate, error) {
	return newJob(h, disk, mode, progress).erase(ctx)
}

func newJob(h handle, disk Disk, mode erasure.Mode, progress Progress) *job {
	return &job{handle: h, disk: disk, progress: progress, bounds: usual, certificate: erasure.Certificate{
		Path: disk.Path, Serial: disk.Serial, Model: disk.Model, Firmware: disk.Firmware, WWN: disk.WWN,
		Transport: string(disk.Transport), Size: disk.Size, Mode: mode,
		Started: time.Now(), Tool: tool(),
	}}
}

func (j *job) erase(ctx context.Context) (erasure.Certificate, error) {
	if err := j.run(ctx, j.certificate.Mode); err != nil {
		return erasure.Certificate{}, fmt.Errorf("erase disk %s: %w", j.disk, final(err))
	}
	j.certificate.Ended, j.certificate.Result = time.Now(), erasure.Erased
	return j.certificate, nil
}

// final marks what no retry with this disk mends.
func final(err error) error {
	for _, sentinel := range []error{ErrFrozen, ErrLocked, ErrHidden, ErrMedia} {
		if errors.Is(err, sentinel) && !errors.Is(err, metal.ErrUnprovenErasure) {
			return fmt.Errorf("%w: %w", metal.ErrUnprovenErasure, err)
		}
	}
	return err
}

// unproven is a doubt in words.
func unproven(format string, args ...any) error {
	return fmt.Errorf("%w: %w", metal.ErrUnprovenErasure, fmt.Errorf(format, args...))
}

// tool names this program in the certificate: the commit that it was built from.
func tool() string {
	revision, changed := "unknown", ""
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, setting := range info.Settings {
			switch {
			case setting.Key == "vcs.revision":
				revision = setting.Value
			case setting.Key == "vcs.modified" && setting.Value == "true":
				changed = "+changes"
			}
		}
	}
	return "millwright drive " + revision + changed
}

func (j *job) note(format string, args ...any) {
	j.certificate.Notes = append(j.certificate.Notes, fmt.Sprintf(format, args...))
}

func (j *job) run(ctx context.Context, mode erasure.Mode) error {
	if err := j.measure(); err != nil {
		return err
	}
	var err error
	if j.protocol, err = speak(ctx, j.handle, j.disk); err != nil {
		return err
	}
	resumed, err := j.recover(ctx, j.progress)
	if err != nil {
		return fmt.Errorf("bring it to where it can be erased: %w", err)
	}
	if j.certificate.Serial == "" {
		j.certificate.Serial = j.serial
	}
	switch mode {
	case erasure.Express:
		return j.express(ctx)
	case erasure.Full:
		return j.full(ctx, resumed)
	}
	return fmt.Errorf("mode %q is neither %q nor %q", mode, erasure.Full, erasure.Express)
}

// measure holds the size that was listed against the one that is there.
func (j *job) measure() error {
	size, err := j.Size()
	switch {
	case err != nil:
		return fmt.Errorf("measure: %w", named(err))
	case size <= 0:
		return errors.New("the disk has no bytes: it may not be ready, or broken")
	case size != j.disk.Size:
		return fmt.Errorf("has %s, was listed with %s: list the disks again", human(size), human(j.disk.Size))
	}
	return nil
}

func (j *job) full(ctx context.Context, resumed string) error {
	if resumed != "" && j.wasEnough(ctx, resumed) {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	methods, notes := j.methods(ctx, false)
	j.certificate.Notes = append(j.certificate.Notes, notes...)
	methods, err := j.reaching(ctx, append(methods, j.fallbacks()...))
	if err != nil {
		return err
	}
	sample := newSample(j.disk.Size, rand.Text(), j.bounds)
	for _, m := range methods {
		if !m.whole && !sample.taken {
			if err := sample.take(ctx, j.handle, j.progress); err != nil {
				return fmt.Errorf("read before erasing: %w", err)
			}
		}
		err := m.run(ctx, j.progress)
		if errors.Is(err, errRefused) {
			j.note("%s: %.300v", m.name, err)
			continue
		}
		if err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		return j.verify(ctx, m, sample)
	}
	return unproven("the disk refused every method")
}

// wasEnough says whether a sanitize that was begun by an earlier boot has left
// nothing. There is no sample from before it, so all of the disk must be zero;
// if it is not, it is erased anew, which is no loss.
func (j *job) wasEnough(ctx context.Context, resumed string) bool {
	m := method{name: resumed, purges: true, zeroes: true, whole: true}
	if err := j.verify(ctx, m, nil); err != nil {
		j.note("%s: ended, erased once more since %.300v", resumed, err)
		return false
	}
	return true
}

// reaching keeps the methods that reach all of the disk, where part of it is hidden.
func (j *job) reaching(ctx context.Context, methods []method) ([]method, error) {
	sectors, notes := j.hidden(ctx)
	j.certificate.Notes = append(j.certificate.Notes, notes...)
	if sectors == 0 {
		return methods, nil
	}
	var all []method
	for _, m := range methods {
		if m.allSectors {
			all = append(all, m)
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%w: %s: give it back with hdparm -N or --dco-restore, power-cycle, and erase again",
			ErrHidden, notes[len(notes)-1])
	}
	return all, nil
}

// fallbacks are what every disk can do. Of a spinning disk nothing is discarded.
func (j *job) fallbacks() []method {
	var all []method
	switch {
	case j.zeroing:
		all = append(all, method{name: "discard", zeroes: true, whole: true, run: j.discardAll})
	case j.disk.Transport == Virtio && j.disk.Zeroes:
		all = append(all, method{name: "write zeroes, by the disk's own command", zeroes: true, whole: true, run: j.zeroAll})
	}
	return append(all, method{name: "overwritten with zeroes", zeroes: true, whole: true, run: j.overwriteAll})
}

// lose forgets what the kernel believed to be on the disk.
func (j *job) lose() error {
	if err := j.Reread(); err != nil {
		return fmt.Errorf("have the kernel forget the disk's content: %w", named(err))
	}
	return nil
}
