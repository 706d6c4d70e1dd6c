package image

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Download brings a vendor's file here. What came stays when a connection
// breaks, and when the program ends: the next one with the same Path goes on
// from there, if the vendor's file is still the same.
type Download struct {
	URL      string
	Path     string // where it grows; beside it lies a file with what names the vendor's version
	Client   *http.Client
	Pace     Pace
	Progress Progress // of size -1 where the server does not say it
	Limit    int64    // bytes, Limit of a disk if 0
}

// barren is how many connections in a row may bring nothing.
const barren = 5

// Run fetches all of it. Progress in between resets the count of failures.
func (d *Download) Run(ctx context.Context) error {
	if err := d.prepare(); err != nil {
		return err
	}
	file, err := os.OpenFile(d.Path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // synced below
	if err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return fmt.Errorf("download %s: another program does that already: wait for it", d.shown())
	}
	for failures := 0; ; {
		had, err := file.Seek(0, io.SeekEnd)
		if err != nil {
			return err
		}
		if err = d.once(ctx, file, had); err == nil {
			return file.Sync()
		}
		if now, _ := file.Seek(0, io.SeekEnd); now > had {
			failures = 0
		}
		failures++
		if ctx.Err() != nil || errors.Is(err, errRefused) || failures >= barren || local(err) {
			return fmt.Errorf("download %s: %w", d.shown(), redacted(err))
		}
		if err := rest(ctx, d.Pace.First<<min(failures, 20), d.Pace.Longest); err != nil {
			return fmt.Errorf("download %s: %w", d.shown(), err)
		}
	}
}

func (d *Download) prepare() error {
	u, err := url.Parse(d.URL)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return errors.New("download: the address is no http:// or https:// URL")
	}
	if d.Client == nil {
		d.Client = &http.Client{Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, DisableCompression: true,
			TLSHandshakeTimeout: 20 * time.Second, ResponseHeaderTimeout: time.Minute}}
	}
	if d.Pace == (Pace{}) {
		d.Pace = Pace{Stall: 30 * time.Second, First: 500 * time.Millisecond, Longest: 10 * time.Second}
	}
	if d.Limit == 0 {
		d.Limit = Limit
	}
	return nil
}

// shown is the URL without what may be secret in it.
func (d *Download) shown() string {
	u, err := url.Parse(d.URL)
	if err != nil {
		return "the file"
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	return u.String()
}

// redacted takes the URL out of net/http's errors: it may hold a password.
func redacted(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// local says that it is this machine's disk that fails.
func local(err error) bool {
	var path *os.PathError
	return errors.As(err, &path)
}

// once makes one request for what is missing.
func (d *Download) once(ctx context.Context, file *os.File, had int64) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stall := time.AfterFunc(d.Pace.Stall, func() { cancel(fmt.Errorf("nothing came for %v", d.Pace.Stall)) })
	defer stall.Stop()
	res, err := d.ask(ctx, had)
	if err != nil {
		return errors.Join(err, context.Cause(ctx))
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode == http.StatusOK {
		if had, err = 0, file.Truncate(0); err != nil {
			return err
		}
	}
	if res.StatusCode == http.StatusRequestedRangeNotSatisfiable { // it is all there, or another file
		return d.whole(file, res, had)
	}
	size := int64(-1)
	if res.ContentLength >= 0 {
		size = had + res.ContentLength
	}
	if size > d.Limit {
		return fmt.Errorf("%w: it has %d bytes, the limit is %d", errRefused, size, d.Limit)
	}
	if err := os.WriteFile(d.Path+".tag", []byte(tagOf(res)), 0o644); err != nil {
		return err
	}
	return d.take(file, had, size, res.Body, func() { stall.Reset(d.Pace.Stall) })
}

func (d *Download) ask(ctx context.Context, had int64) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, d.URL, nil)
	if err != nil {
		return nil, errRefused
	}
	if tag, err := os.ReadFile(d.Path + ".tag"); had > 0 && err == nil && len(tag) > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", had))
		req.Header.Set("If-Range", string(tag))
	}
	res, err := d.Client.Do(req)
	if err != nil {
		return nil, err
	}
	switch code := res.StatusCode; {
	case code == http.StatusOK, code == http.StatusRequestedRangeNotSatisfiable,
		code == http.StatusPartialContent && strings.HasPrefix(res.Header.Get("Content-Range"), fmt.Sprintf("bytes %d-", had)):
		return res, nil
	case code >= 500 || code == http.StatusRequestTimeout || code == http.StatusTooManyRequests:
		err = errors.New(res.Status)
	default:
		err = fmt.Errorf("%w: %s", errRefused, res.Status)
	}
	return nil, errors.Join(err, res.Body.Close())
}

// tagOf names a version of a file so that half of one and half of another are
// never joined: a strong ETag, or when it was changed.
func tagOf(res *http.Response) string {
	if tag := res.Header.Get("ETag"); tag != "" && !strings.HasPrefix(tag, "W/") {
		return tag
	}
	return res.Header.Get("Last-Modified")
}

// whole says whether a range was refused because there is no more.
func (d *Download) whole(file *os.File, res *http.Response, had int64) error {
	if res.Header.Get("Content-Range") == fmt.Sprintf("bytes */%d", had) {
		return nil
	}
	if err := file.Truncate(0); err != nil {
		return err
	}
	return errors.New("the file has become another one")
}

func (d *Download) take(file *os.File, had, size int64, body io.Reader, alive func()) error {
	buf := make([]byte, 256<<10)
	for {
		n, err := body.Read(buf)
		if had+int64(n) > d.Limit {
			return fmt.Errorf("%w: it has more than %d bytes", errRefused, d.Limit)
		}
		if n > 0 {
			if _, err := file.WriteAt(buf[:n], had); err != nil {
				return err
			}
			had += int64(n)
			alive()
			if d.Progress != nil {
				d.Progress(had, size)
			}
		}
		switch {
		case err == io.EOF && (size < 0 || had == size):
			return nil
		case err == io.EOF:
			return io.ErrUnexpectedEOF
		case err != nil:
			return err
		}
	}
}

// Forget deletes what was downloaded.
func (d *Download) Forget() error {
	return errors.Join(os.Remove(d.Path), os.Remove(d.Path+".tag"))
}
