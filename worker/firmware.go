package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path"
	"time"

	"millwright/internal/metal"
)

// firmwareImages fetches firmware over HTTP into files of its own, which are
// gone when the BMC has what it wants.
type firmwareImages struct{ client *http.Client }

const (
	largestFirmware = 2 << 30          // vendors' bundles are below 1 GiB
	firmwareLimit   = 10 * time.Minute // a GiB over a slow line
)

// Fetch gives an image once its SHA-256 is the one that was promised.
func (f firmwareImages) Fetch(ctx context.Context, address, sum string) (image metal.FirmwareImage, done func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, firmwareLimit)
	defer cancel()
	at, err := url.Parse(address)
	if err != nil || at.User != nil || at.Scheme != "http" && at.Scheme != "https" {
		return image, nil, fmt.Errorf("firmware image: want a URL of http or https without a password in it: %w", metal.ErrUnsupported)
	}
	file, err := os.CreateTemp("", "millwright-firmware-*")
	if err != nil {
		return image, nil, fmt.Errorf("fetch firmware %s: %w", at.Path, err)
	}
	defer file.Close()
	done = func() { os.Remove(file.Name()) }
	size, err := f.download(ctx, at, sum, file)
	if err != nil {
		done()
		return image, nil, err
	}
	return metal.FirmwareImage{
		Name: path.Base(at.Path), Size: size, URL: address,
		Open: func() (io.ReadCloser, error) { return os.Open(file.Name()) },
	}, done, nil
}

func (f firmwareImages) download(ctx context.Context, at *url.URL, sum string, into io.Writer) (int64, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		return 0, fmt.Errorf("fetch firmware %s: %w", at.Path, err)
	}
	resp, err := f.client.Do(req)
	if err != nil {
		return 0, fmt.Errorf("fetch firmware %s from %s: %w", at.Path, at.Host, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("fetch firmware %s from %s: HTTP %d", at.Path, at.Host, resp.StatusCode)
	}
	hash := sha256.New()
	size, err := io.Copy(io.MultiWriter(into, hash), io.LimitReader(resp.Body, largestFirmware))
	if err != nil {
		return 0, fmt.Errorf("fetch firmware %s from %s: %w", at.Path, at.Host, err)
	}
	if got := hex.EncodeToString(hash.Sum(nil)); got != sum {
		return 0, fmt.Errorf("firmware %s from %s has SHA-256 %s, and %s was promised; it is not written: %w", at.Path, at.Host, got, sum, metal.ErrFingerprint)
	}
	return size, nil
}
