package bmc

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// ask is a request that bmclib has no words for.
type ask struct {
	method, path string
	etag         string // of what is changed, where the BMC gave one: some demand it back
	contentType  string
	body         io.Reader
	size         int64
}

// send makes one request within the session, and answers with what came back.
func (s *redfishSession) send(ctx context.Context, a ask) (exchange, error) {
	s.wire.use(ctx)
	req, err := http.NewRequestWithContext(ctx, a.method, "https://"+s.wire.host+a.path, a.body)
	if err != nil || !strings.HasPrefix(a.path, "/") {
		return exchange{}, fmt.Errorf("%s %q: the BMC named a path that is none", a.method, clean(a.path, 100))
	}
	if proof := s.wire.lastProof(); proof != nil { // there are services that let anybody in
		req.Header = proof
	}
	req.Header.Set("Accept", "application/json")
	if a.etag != "" {
		req.Header.Set("If-Match", a.etag)
	}
	if a.body != nil {
		req.Header.Set("Content-Type", a.contentType)
		req.ContentLength = a.size // chunked bodies are refused by some BMCs
	}
	resp, err := s.wire.RoundTrip(req)
	if err != nil {
		return exchange{}, s.explain(err)
	}
	last := s.wire.lastExchange()
	last.location = resp.Header.Get("Location")
	if last.failed() {
		return last, last.refusal()
	}
	return last, nil
}

// sendJSON sends an object; nil sends an empty body, as a DELETE has.
func (s *redfishSession) sendJSON(ctx context.Context, a ask, body any) (exchange, error) {
	if body == nil {
		return s.send(ctx, a)
	}
	raw, err := json.Marshal(body)
	if err != nil {
		return exchange{}, fmt.Errorf("%s %s: %w", a.method, a.path, err)
	}
	a.contentType, a.body, a.size = "application/json", bytes.NewReader(raw), int64(len(raw))
	return s.send(ctx, a)
}

// patch changes some properties of a resource.
func (s *redfishSession) patch(ctx context.Context, path, etag string, properties any) error {
	_, err := s.sendJSON(ctx, ask{method: http.MethodPatch, path: path, etag: etag}, properties)
	return err
}

// post calls an action, or adds a member to a collection.
func (s *redfishSession) post(ctx context.Context, path string, parameters any) (exchange, error) {
	return s.sendJSON(ctx, ask{method: http.MethodPost, path: path}, parameters)
}
