package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"millwright/internal/apiclient"
)

// waiting is what commands take whose effect comes later.
type waiting struct {
	Wait    bool          `env:"-" help:"Wait until it has ended, and show how far it is; exit 1 if it failed."`
	Timeout time.Duration `env:"-" default:"1h" help:"How long to wait; it goes on by itself."`
}

// askEvery is how often a device is looked at: soon enough for people, and far
// from any limit of requests.
const askEvery = time.Second

// await looks at a device until it is in the state that was wanted, and shows
// how far it is meanwhile. A state that it still has from before is not taken
// for the end: an action answers once the device has left it.
func (p waiting) await(ctx context.Context, a *app, c *apiclient.Client, id, leads string) (answered[apiclient.Device], error) {
	limited, cancel := context.WithTimeout(ctx, p.Timeout)
	defer cancel()
	show := a.display()
	defer show.end()
	for {
		var d answered[apiclient.Device]
		err := c.Get(limited, below("devices", id), &d)
		switch {
		case limited.Err() != nil && ctx.Err() == nil:
			return d, fmt.Errorf("device %s has not ended after %s, and goes on; see starter device show %s", id, p.Timeout, id)
		case err != nil:
			return d, fmt.Errorf("wait for device %s, which goes on: %w", id, err)
		}
		show.stands(standing(d.it))
		switch d.it.State {
		case leads:
			return d, nil
		case "failed":
			return d, fmt.Errorf("device %s failed; see starter device events %s", id, id)
		}
		pause(limited, askEvery)
	}
}

// awaitGone looks until there is nothing to see.
func (p waiting) awaitGone(ctx context.Context, a *app, c *apiclient.Client, id string) error {
	var said apiclient.Refusal
	_, err := p.await(ctx, a, c, id, "deleted")
	if errors.As(err, &said) && said.Code == http.StatusNotFound {
		return nil
	}
	return err
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// standing is how far a device is, in words: its state, and while it is being
// installed the share that is done and the step that it is at.
func standing(d apiclient.Device) string {
	text := d.State
	if d.State != "queued" && d.State != "provisioning" && d.State != "reinstalling" {
		return text
	}
	if d.Percentage > 0 {
		text += fmt.Sprintf("  %.0f %%", d.Percentage)
	}
	if step := lastStep(d.Provisioning); step != "" {
		text += "  " + step
	}
	return text
}

// lastStep is the last one that has begun: those to come have no time yet.
func lastStep(steps []apiclient.Event) (body string) {
	last := ""
	for _, e := range steps {
		if e.Created != "" && e.Created >= last {
			last, body = e.Created, e.Body
		}
	}
	return body
}

// display shows how something stands: on a terminal one line that is written
// again, elsewhere a line for each change. It goes to standard error, so that
// what was ordered stays alone on standard output.
type display struct {
	to       io.Writer
	terminal bool
	began    time.Time
	last     string
}

func (a *app) display() *display {
	d := &display{to: a.errs, began: time.Now()}
	if f, ok := a.errs.(*os.File); ok {
		_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
		d.terminal = err == nil
	}
	return d
}

func (d *display) stands(text string) {
	since := time.Since(d.began).Seconds()
	switch {
	case d.terminal:
		fmt.Fprintf(d.to, "\r\x1b[K%7.0fs  %s", since, strings.TrimSpace(text))
	case text != d.last:
		fmt.Fprintf(d.to, "%7.1fs  %s\n", since, strings.TrimSpace(text))
	}
	d.last = text
}

func (d *display) end() {
	if d.terminal {
		fmt.Fprint(d.to, "\r\x1b[K")
	}
}
