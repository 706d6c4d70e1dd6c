package bmc

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"millwright/internal/metal"
)

// answerLimit bounds what is read of one answer. A system resource is some
// 10 kB; vendors' longest are below 200 kB.
const answerLimit = 1 << 20

// wire carries one session's HTTP requests. It ends them with the context in
// use, keeps the connection that bmclib would close after each request (a BMC
// takes 100 ms and more for a TLS handshake), accepts the pinned certificate
// alone, and remembers the last exchange.
type wire struct {
	host      string
	limit     time.Duration
	log       *slog.Logger
	transport *http.Transport
	pace      *pace // nil sets none

	mu    sync.Mutex
	ctx   context.Context
	last  exchange
	hides string      // a password on its way: BMCs quote what they refuse
	root  []byte      // the service root, which is read to log in, and then again and again
	proof http.Header // how requests prove who sends them
}

func newWire(at endpoint, fingerprint string, limit time.Duration, log *slog.Logger) *wire {
	return &wire{
		host: at.String(), limit: limit, log: log, ctx: context.Background(),
		// No Proxy: a management network is never behind one, and a proxy from
		// the environment would be handed the password.
		transport: &http.Transport{
			MaxConnsPerHost: 1, // one session, one connection
			TLSClientConfig: &tls.Config{
				InsecureSkipVerify: true, // no authority signs BMCs: the pin below is the check
				VerifyConnection:   pinned(fingerprint),
			},
		},
	}
}

// pinned accepts the one certificate whose SHA-256 is given. Nothing pinned
// accepts nothing; the error then names what is there to be pinned.
func pinned(fingerprint string) func(tls.ConnectionState) error {
	return func(state tls.ConnectionState) error {
		sum := sha256.Sum256(state.PeerCertificates[0].Raw)
		shown := hex.EncodeToString(sum[:])
		if shown == fingerprint {
			return nil
		}
		if fingerprint == "" {
			return fmt.Errorf("no certificate is pinned, and it shows %s: %w", shown, metal.ErrFingerprint)
		}
		return fmt.Errorf("certificate is %s, pinned is %s: %w", shown, fingerprint, metal.ErrFingerprint)
	}
}

// use sets the context that ends requests, of those to come.
func (w *wire) use(ctx context.Context) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ctx = ctx
}

func (w *wire) lastExchange() exchange {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.last
}

// lastProof is what another request of this session may be sent with.
func (w *wire) lastProof() http.Header {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.proof.Clone()
}

// keepProof picks a session's token, or the Basic credentials of a BMC without
// sessions.
func (w *wire) keepProof(header http.Header) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, name := range []string{"X-Auth-Token", "Authorization"} {
		if value := header.Get(name); value != "" {
			w.proof = http.Header{}
			w.proof.Set(name, value)
			return
		}
	}
}

// CloseIdleConnections is also what http.Client calls on a log-out.
func (w *wire) CloseIdleConnections() { w.transport.CloseIdleConnections() }

// RoundTrip sends one request and reads the whole answer, so that no caller
// who forgets to close a body (gofish does) keeps the connection.
func (w *wire) RoundTrip(req *http.Request) (*http.Response, error) {
	w.mu.Lock()
	parent := w.ctx
	w.mu.Unlock()
	w.keepProof(req.Header)
	if err := w.pace.wait(parent); err != nil {
		w.remember(newExchange(req, nil, nil, err))
		return nil, err
	}
	ctx, cancel := context.WithTimeout(parent, w.limit)
	defer cancel()

	resp, body, err := w.send(ctx, req)
	w.pace.ended()
	if err == nil {
		w.pace.answered()
		w.keepProof(resp.Header) // a log-in is answered with it
	}
	if err != nil && ctx.Err() != nil && parent.Err() == nil {
		err = fmt.Errorf("%s %s: %w within %s", req.Method, req.URL.Path, errSilent, w.limit)
	}
	w.remember(newExchange(req, resp, body, err))
	return resp, err
}

func (w *wire) send(ctx context.Context, req *http.Request) (*http.Response, []byte, error) {
	// A redirect to elsewhere would take the session's token along.
	if req.URL.Scheme != "https" || req.URL.Host != w.host {
		return nil, nil, errors.New("BMC redirects to another address")
	}
	out := req.Clone(ctx)
	out.Close = false
	resp, err := w.transport.RoundTrip(out)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, answerLimit))
	if err != nil {
		return nil, nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, body, nil
}

func (w *wire) remember(e exchange) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if e.failed() && len(e.body) > 0 {
		if w.hides != "" {
			e.body = bytes.ReplaceAll(e.body, []byte(w.hides), []byte("***"))
		}
		w.log.Debug("BMC refused", "request", e.request(), "status", e.status, "body", string(e.body[:min(len(e.body), 2000)]))
	}
	w.last = e
	if e.isServiceRoot() && e.status == http.StatusOK {
		w.root = e.body
	}
}

// hide keeps a password out of logs and errors, for the rest of the session.
func (w *wire) hide(password string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hides = password
}

// serviceRoot is the service root as it was last read.
func (w *wire) serviceRoot() []byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.root
}
