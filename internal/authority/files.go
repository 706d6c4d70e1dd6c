package authority

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// Files is a server's certificate that is read again when its file has changed:
// whoever renews it need not stop the server.
type Files struct {
	certificate, key string
	log              *slog.Logger

	mu      sync.Mutex
	current *tls.Certificate
	changed time.Time // of the certificate's file, when it was read
	looked  time.Time
}

// lookEvery spares the disk under a flood of handshakes.
const lookEvery = time.Second

// Open reads both, and refuses what a server could not start with.
func Open(certificate, key string, log *slog.Logger) (*Files, error) {
	f := &Files{certificate: certificate, key: key, log: log}
	if err := f.read(); err != nil {
		return nil, err
	}
	return f, nil
}

// Config is for a server that speaks HTTP.
func (f *Files) Config() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return f.certificateNow(), nil },
	}
}

// certificateNow is the newest that can be read: a file that is half written, or
// was removed, leaves the one that was there.
func (f *Files) certificateNow() *tls.Certificate {
	f.mu.Lock()
	defer f.mu.Unlock()
	if time.Since(f.looked) < lookEvery {
		return f.current
	}
	f.looked = time.Now()
	if stat, err := os.Stat(f.certificate); err == nil && stat.ModTime().Equal(f.changed) {
		return f.current
	}
	if err := f.read(); err != nil {
		f.log.Error("the certificate was changed and cannot be read; the former one is kept", "error", err)
	}
	return f.current
}

func (f *Files) read() error {
	stat, err := os.Stat(f.certificate)
	if err != nil {
		return fmt.Errorf("read the server's certificate: %w", err)
	}
	read, err := tls.LoadX509KeyPair(f.certificate, f.key)
	if err != nil {
		return fmt.Errorf("read the server's certificate %s and key %s: %w", f.certificate, f.key, err)
	}
	f.current, f.changed = &read, stat.ModTime()
	return nil
}
