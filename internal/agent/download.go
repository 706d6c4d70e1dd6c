package agent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// download is an image as one stream, whatever happens to the connections that
// bring it: it goes on where the last one ended. The disk writer sees neither
// restarts nor gaps.
type download struct {
	ctx     context.Context
	agent   *agent
	img     Image
	at      int64 // bytes that were read
	attempt int   // attempts since the last byte
	body    io.ReadCloser
	stall   *time.Timer // cancels a connection that brings nothing
	cancel  context.CancelFunc
}

// errNoImage is what no retry mends: the boot service is there, the image is not.
var errNoImage = errors.New("the boot service has no such image")

func (a *agent) download(ctx context.Context, img Image) *download {
	return &download{ctx: ctx, agent: a, img: img}
}

// Read gives the image's bytes, as many as the job says there are.
func (d *download) Read(p []byte) (int, error) {
	for {
		if d.at >= d.img.Size {
			return 0, io.EOF
		}
		if len(p) == 0 {
			return 0, nil
		}
		n, err := d.once(p)
		if n > 0 {
			d.at, d.attempt = d.at+int64(n), 0
			return n, nil
		}
		if errors.Is(err, errNoImage) {
			return 0, err
		}
		_ = d.Close()
		d.agent.Log.Warn("image goes on after a pause", "image", d.img.File, "at", d.at, "error", err)
		if err := d.agent.pause(d.ctx, d.attempt); err != nil {
			return 0, fmt.Errorf("fetch image %s: %w", d.img.File, err)
		}
		d.attempt++
	}
}

// once reads what the connection has, and opens one where there is none.
func (d *download) once(p []byte) (int, error) {
	if d.body == nil {
		if err := d.open(); err != nil {
			return 0, err
		}
	}
	if left := d.img.Size - d.at; int64(len(p)) > left {
		p = p[:left] // a longer file is a wrong one; its hash will say so
	}
	d.stall.Reset(d.agent.Pace.Stall)
	defer d.stall.Stop()
	return d.body.Read(p)
}

func (d *download) open() error {
	ctx, cancel := context.WithCancel(d.ctx)
	d.cancel, d.stall = cancel, time.AfterFunc(d.agent.Pace.Stall, cancel)
	req, err := d.agent.request(ctx, http.MethodGet, d.agent.URL+PathImages+url.PathEscape(d.img.File), nil)
	if err != nil {
		return err
	}
	if d.at > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", d.at))
	}
	res, err := d.agent.Client.Do(req)
	if err != nil {
		return err
	}
	if err := d.check(res); err != nil {
		_ = res.Body.Close()
		return err
	}
	d.body = res.Body
	return nil
}

// check accepts the whole at the start and the rest later on. A server that
// answers a range with the whole would shift every byte that follows.
func (d *download) check(res *http.Response) error {
	want := http.StatusOK
	if d.at > 0 {
		want = http.StatusPartialContent
	}
	switch res.StatusCode {
	case want:
		return nil
	case http.StatusNotFound, http.StatusRequestedRangeNotSatisfiable:
		return fmt.Errorf("fetch image %s at byte %d: %s: %w", d.img.File, d.at, res.Status, errNoImage)
	}
	return fmt.Errorf("fetch image %s at byte %d: %s", d.img.File, d.at, res.Status)
}

// Close ends the connection, if there is one.
func (d *download) Close() error {
	if d.cancel != nil {
		d.stall.Stop()
		d.cancel()
	}
	if d.body != nil {
		_ = d.body.Close()
	}
	d.body = nil
	return nil
}
