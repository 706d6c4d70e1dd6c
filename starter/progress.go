package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// progress is a line on a terminal that is written again and again. Programs
// that read our errors never see it.
type progress struct {
	to   io.Writer // nil where nobody looks
	what string
	last time.Time
}

// often enough for people.
const progressEvery = 200 * time.Millisecond

func (a *app) progress(what string) *progress {
	p := &progress{what: what}
	if f, ok := a.errs.(*os.File); ok {
		if _, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS); err == nil {
			p.to = f
		}
	}
	return p
}

// of says how much of a whole is done; a size below 1 is not known.
func (p *progress) of(done, size int64) {
	if p.to == nil || done != size && time.Since(p.last) < progressEvery {
		return
	}
	p.last = time.Now()
	text := fmt.Sprintf("%s: %d MiB", p.what, done>>20)
	if size > 0 {
		text += fmt.Sprintf(" of %d, %d %%", size>>20, done*100/size)
	}
	fmt.Fprintf(p.to, "\r\x1b[K%s", text)
}

// so is of a whole whose size nobody knows.
func (p *progress) so(done int64) { p.of(done, 0) }

func (p *progress) end() {
	if p.to != nil && !p.last.IsZero() {
		fmt.Fprint(p.to, "\r\x1b[K")
	}
}
