package api

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"millwright/internal/metal"
)

// Base is where the API begins, as its clients have it built in.
const Base = "/metal/v1"

const (
	answerLimit = 10 * time.Second // for Postgres, and whatever else one answer needs
	maxBody     = 1 << 20          // far above any request: 100 keys and 64 KiB of user data
)

// server is the API with all that it needs.
type server struct {
	Config
	mux *http.ServeMux
}

// New makes the handler of everything below Base.
func New(c Config) http.Handler {
	s := &server{Config: c, mux: http.NewServeMux()}
	paths := map[string][]string{}
	for _, r := range s.routes() {
		s.mux.Handle(r.method+" "+Base+r.path, s.step(r))
		paths[r.path] = append(paths[r.path], r.method)
	}
	for path, methods := range paths {
		s.mux.Handle(Base+path, s.notAllowed(methods))
	}
	s.mux.HandleFunc("GET "+Base+"/openapi.json", described(s.routes()))
	s.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { s.answerError(w, r, errNotFound()) })
	return s.named(s.mux)
}

// named gives the request its ID, and forgives a path its doubled and final
// slashes: Terraform's provider sends both.
func (s *server) named(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := make([]byte, 16)
		_, _ = rand.Read(id) // never fails
		w.Header().Set("X-Request-Id", hex.EncodeToString(id))
		r.URL.Path = tidy(r.URL.Path)
		r.URL.RawPath = ""
		ctx, cancel := context.WithTimeout(r.Context(), answerLimit)
		defer cancel()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

var slashes = regexp.MustCompile(`/{2,}`)

func tidy(path string) string {
	path = slashes.ReplaceAllString(path, "/")
	return "/" + strings.Trim(path, "/")
}

func (s *server) notAllowed(methods []string) http.HandlerFunc {
	allowed := strings.Join(methods, ", ")
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Allow", allowed)
		s.answerError(w, r, refuse(http.StatusMethodNotAllowed, "%s is not possible here; use %s", r.Method, allowed))
	}
}

// step takes a request to a route's handler.
func (s *server) step(route route) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if asked := innerOf(r); asked != nil {
			asked.body, asked.err = s.within(r, route, asked.caller)
			return
		}
		began := time.Now()
		c, err := s.admit(w, r, route)
		var body any
		if err == nil {
			body, err = s.run(c)
		}
		code := s.finish(w, r, c, body, err)
		if s.Observe != nil {
			s.Observe(route.method+" "+route.path, code, time.Since(began))
		}
	}
}

// admit finds out who asks, whose the thing is, and whether they may.
func (s *server) admit(w http.ResponseWriter, r *http.Request, route route) (*call, error) {
	c := &call{ctx: r.Context(), server: s, route: route, request: r, answer: w.Header()}
	var err error
	if c.caller, err = s.identify(r, w.Header()); err != nil {
		return c, err
	}
	if !isText(r.URL) {
		return c, errNotFound()
	}
	if c.body, err = readBody(w, r); err != nil {
		return c, err
	}
	if err := s.locate(c); err != nil {
		return c, err
	}
	return c, c.may(route.verb, route.kind)
}

// within answers a request that another one makes, for the same caller.
func (s *server) within(r *http.Request, route route, caller metal.Caller) (any, error) {
	c := &call{ctx: r.Context(), server: s, route: route, request: r, answer: http.Header{}, caller: caller}
	if err := s.locate(c); err != nil {
		return nil, err
	}
	if err := c.may(route.verb, route.kind); err != nil {
		return nil, err
	}
	return route.handle(c)
}

// keyOf is the key that a request carries, in either of the headers that
// clients put it in.
func keyOf(r *http.Request) string {
	if key := r.Header.Get("X-Auth-Token"); key != "" {
		return key
	}
	scheme, key, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(key)
}

// isText reports whether a URL is made of what Postgres takes for text: nothing
// is called otherwise.
func isText(u *url.URL) bool {
	query, err := url.QueryUnescape(u.RawQuery)
	whole := u.Path + query
	return err == nil && utf8.ValidString(whole) && strings.IndexByte(whole, 0) < 0
}

func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return nil, refuse(http.StatusRequestEntityTooLarge, "the body has more than %d bytes", maxBody)
	case err != nil:
		return nil, refuse(http.StatusBadRequest, "the body broke off")
	}
	return body, nil
}

// locate finds whose the thing is that the path names. What is nobody's is the
// installation's own.
func (s *server) locate(c *call) error {
	id := c.request.PathValue("id")
	if id == "" {
		return nil
	}
	noun, _, _ := strings.Cut(strings.TrimPrefix(c.route.path, "/"), "/{id}")
	var err error
	c.scope, err = s.Store.Whereabouts(c.ctx, noun, id)
	if err == nil && c.scope == (metal.Scope{}) && !c.caller.Operator {
		return errNotFound()
	}
	return err
}

// run does it; or finds that it was done before.
func (s *server) run(c *call) (any, error) {
	if c.changes() && c.idempotencyKey() != "" {
		if err := c.checkKey(); err != nil {
			return nil, err
		}
		body, err := s.repeat(c)
		if !errors.Is(err, metal.ErrNotFound) || c.repeated {
			return body, err
		}
	}
	body, err := c.route.handle(c)
	if errors.Is(err, metal.ErrRepeated) {
		return s.repeat(c)
	}
	return body, err
}

// repeat answers what was done before as it stands now.
func (s *server) repeat(c *call) (any, error) {
	done, err := s.Store.Done(c.ctx, c.change())
	if err != nil {
		return nil, err
	}
	c.repeated = true
	c.answer.Set("Idempotent-Replayed", "true")
	c.code = done.Code
	if done.Thing == "" {
		return nil, nil
	}
	return s.look(c, done.Thing)
}

// finish writes the answer, and records a change that was refused; not what
// strangers ask, nor what is asked too often: they would fill the record.
func (s *server) finish(w http.ResponseWriter, r *http.Request, c *call, body any, err error) int {
	if err != nil {
		code := s.answerError(w, r, err)
		if c.changes() && c.caller.Name() != "" && code != http.StatusTooManyRequests {
			limited, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), answerLimit)
			defer cancel()
			if err := s.Store.Refused(limited, c.change(), code, refusalOf(err).Error()); err != nil {
				s.Log.Error("a refused change was not recorded", "request", requestID(w), "error", err)
			}
		}
		return code
	}
	code := c.route.code
	if c.code != 0 {
		code = c.code
	}
	if body == nil {
		w.WriteHeader(code)
		return code
	}
	if raw, ok := body.(text); ok {
		if w.Header().Get("Content-Type") == "" {
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		}
		w.WriteHeader(code)
		_, _ = io.WriteString(w, string(raw))
		return code
	}
	shaped, err := s.shape(c, body)
	if err != nil {
		return s.answerError(w, r, err)
	}
	answerJSON(w, code, shaped)
	return code
}

// text is a body that is no JSON.
type text string

func answerJSON(w http.ResponseWriter, code int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(body) // the client hung up
}

// answerError answers in the API's error form, and logs what is ours to mend.
func (s *server) answerError(w http.ResponseWriter, r *http.Request, err error) int {
	said := refusalOf(err)
	if said.code >= http.StatusInternalServerError {
		s.Log.Error("a request failed", "request", requestID(w), "method", r.Method, "path", r.URL.Path, "error", err)
	}
	answerJSON(w, said.code, map[string][]string{"errors": said.words})
	return said.code
}

func requestID(w http.ResponseWriter) string { return w.Header().Get("X-Request-Id") }

// digest tells one request from another.
func digest(method, path string, body []byte) []byte {
	h := sha256.New()
	for _, part := range []string{method, path} {
		_, _ = io.WriteString(h, part+"\n")
	}
	_, _ = h.Write(body)
	return h.Sum(nil)
}
