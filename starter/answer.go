package main

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"millwright/internal/metal"
)

// refusal is an answer other than the one asked for: a code, a sentence, and
// the field that it is about.
type refusal struct {
	code  int
	Error string `json:"error"`
	Field string `json:"field,omitempty"`
}

func (s *endpoint) answer(w http.ResponseWriter, code int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_ = printJSON(w, body) // a caller who hung up asks again, with the same key
}

func (s *endpoint) refuse(w http.ResponseWriter, r *http.Request, why refusal) {
	s.log.Info("request refused", "request", requestID(r), "method", r.Method, "path", r.URL.Path, "code", why.code, "error", why.Error)
	s.answer(w, why.code, why)
}

// fail answers an error: a code and a sentence for the caller, the chain for
// the log.
func (s *endpoint) fail(w http.ResponseWriter, r *http.Request, err error) {
	for _, known := range []struct {
		sentinel error
		code     int
	}{
		{metal.ErrInvalidOrder, http.StatusUnprocessableEntity},
		{metal.ErrQuota, http.StatusUnprocessableEntity},
		{metal.ErrOrderConflict, http.StatusConflict},
		{metal.ErrWrongState, http.StatusConflict},
		{metal.ErrUnknownDevice, http.StatusNotFound},
		{metal.ErrUnknownFleet, http.StatusNotFound},
	} {
		if !errors.Is(err, known.sentinel) {
			continue
		}
		why := refusal{known.code, strings.TrimSuffix(err.Error(), ": "+known.sentinel.Error()), ""}
		switch known.sentinel {
		case metal.ErrInvalidOrder:
			why.Field = fieldOf(why.Error)
		case metal.ErrUnknownDevice:
			why.Error = "no such device"
		case metal.ErrUnknownFleet:
			why.Error = "no such fleet"
		}
		s.refuse(w, r, why)
		return
	}
	s.log.Error("request failed", "request", requestID(r), "method", r.Method, "path", r.URL.Path, "error", err)
	w.Header().Set("Retry-After", "5")
	s.answer(w, http.StatusServiceUnavailable, refusal{Error: "the order book does not answer; nothing is lost: ask again with the same " + keyHeader})
}

var (
	unknownField = regexp.MustCompile(`^input: unknown field "([^"]+)"`)
	namedField   = regexp.MustCompile(`^(?:input: )?([a-z_]+)(?:\[[0-9]+\])?: `)
)

// fieldOf finds the field that an invalid order's sentence begins with.
func fieldOf(sentence string) string {
	if found := unknownField.FindStringSubmatch(sentence); found != nil {
		return found[1]
	}
	if strings.HasPrefix(sentence, "order ID ") || strings.HasPrefix(sentence, "fleet ID ") {
		return keyHeader
	}
	if found := namedField.FindStringSubmatch(sentence); found != nil && found[1] != "input" {
		return found[1]
	}
	return ""
}

// admitted lets nobody pass without a token.
func (s *endpoint) admitted(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.tokens.admit(r) {
			w.Header().Set("WWW-Authenticate", `Bearer realm="millwright"`)
			s.refuse(w, r, refusal{http.StatusUnauthorized, "give a token: Authorization: Bearer …", ""})
			return
		}
		next.ServeHTTP(w, r)
	})
}

type requestKey struct{}

func requestID(r *http.Request) string {
	id, _ := r.Context().Value(requestKey{}).(string)
	return id
}

const requestHeader = "X-Request-Id"

// idForm keeps a caller's ID fit for a log line.
var idForm = regexp.MustCompile(`^[A-Za-z0-9._:-]{1,128}$`)

// named gives each request an ID, the caller's own if it has one.
func (s *endpoint) named(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get(requestHeader)
		if !idForm.MatchString(id) {
			id = uuid.NewString()
		}
		w.Header().Set(requestHeader, id)
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), requestKey{}, id)))
	})
}

// counted measures each request by the route it matches, never by the path
// that a stranger chose.
func (s *endpoint) counted(routes *http.ServeMux, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		answer := &recorder{ResponseWriter: w, code: http.StatusOK}
		next.ServeHTTP(answer, r)
		_, pattern := routes.Handler(r)
		_, route, found := strings.Cut(pattern, " ")
		if !found {
			route = pattern
		}
		s.metrics.count(route, r.Method, strconv.Itoa(answer.code), time.Since(began))
		s.log.Debug("request", "request", requestID(r), "method", r.Method, "path", r.URL.Path, "code", answer.code)
	})
}

// recorder remembers the status code.
type recorder struct {
	http.ResponseWriter
	code int
}

func (w *recorder) WriteHeader(code int) {
	w.code = code
	w.ResponseWriter.WriteHeader(code)
}

// Unwrap lets http.MaxBytesReader reach the connection.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }
