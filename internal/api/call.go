package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"millwright/internal/access"
	"millwright/internal/metal"
)

// call is one request on its way.
type call struct {
	ctx     context.Context
	server  *server
	route   route
	request *http.Request
	answer  http.Header
	caller  metal.Caller
	scope   metal.Scope // whose the thing is that the path names
	body    []byte

	code     int  // of the answer, where it is not the route's
	repeated bool // it was done before
}

// id is that of the thing that the path names.
func (c *call) id() string { return c.request.PathValue("id") }

// query is a parameter of the URL; empty where it was not given.
func (c *call) query(name string) string { return c.request.URL.Query().Get(name) }

// changes reports whether the request is one that changes something.
func (c *call) changes() bool { return c.route.verb != access.See }

// allowed refuses the caller what it may not do in a scope that only the body
// named, or another part of the path.
func (c *call) allowed(at metal.Scope, verb access.Verb, kind access.Kind) error {
	other := *c
	other.scope = at
	return other.may(verb, kind)
}

func (c *call) idempotencyKey() string { return c.request.Header.Get("Idempotency-Key") }

const maxKey = 255

func (c *call) checkKey() error {
	key := c.idempotencyKey()
	if len(key) > maxKey || strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return refuse(http.StatusBadRequest, "Idempotency-Key: want 1 to %d visible ASCII characters", maxKey)
	}
	return nil
}

// change is who asks for what, for the store to write beside it.
func (c *call) change() metal.Request {
	path := strings.TrimPrefix(c.request.URL.Path, Base)
	change := metal.Request{
		Caller: c.caller, Source: sourceOf(c.request), ID: c.answer.Get("X-Request-Id"), Method: c.request.Method,
		Path: path, Scope: c.scope, Code: c.route.code,
	}
	if key := c.idempotencyKey(); key != "" && c.request.Method == http.MethodPost {
		change.Key, change.Digest = key, digest(c.request.Method, path, c.body)
	}
	return change
}

// decode reads the body into a pointer to a struct, and names the field that
// does not fit. Fields that it does not know are left alone: clients send some
// that only Packet had.
func (c *call) decode(into any) error {
	if len(bytes.TrimSpace(c.body)) == 0 {
		return nil // every field left out
	}
	if !utf8.Valid(c.body) || holdsNUL(c.body) {
		return unprocessable("body: it is no text in UTF-8, or holds a NUL character")
	}
	decoder := json.NewDecoder(bytes.NewReader(c.body))
	if err := decoder.Decode(into); err != nil {
		return unprocessable("%s", jsonProblem(err))
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return unprocessable("body: more than one JSON value")
	}
	return nil
}

func jsonProblem(err error) string {
	var wrong *json.UnmarshalTypeError
	var said refusal
	switch {
	case errors.As(err, &said):
		return said.Error()
	case errors.As(err, &wrong) && wrong.Field != "":
		return fmt.Sprintf("%s: a JSON %s does not fit", wrong.Field, wrong.Value)
	case errors.As(err, &wrong):
		return fmt.Sprintf("body: want a JSON object, got a %s", wrong.Value)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "body: the JSON breaks off"
	}
	return "body: " + strings.TrimPrefix(err.Error(), "json: ")
}

// Pages. The default is the largest: two of the Kubernetes providers list
// without paging, and take the first page for everything.
const largestPage = 1000

// page reads page and per_page.
func (c *call) page() (metal.Page, error) {
	number, err := c.number("page", 1)
	if err != nil {
		return metal.Page{}, err
	}
	size, err := c.number("per_page", largestPage)
	if err != nil {
		return metal.Page{}, err
	}
	size = min(size, largestPage)
	return metal.Page{Limit: size, Offset: (number - 1) * size}, nil
}

func (c *call) number(name string, otherwise int) (int, error) {
	given := c.query(name)
	if given == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(given)
	if err != nil || n < 1 || n > 1<<20 {
		return 0, unprocessable("%s: %q is no number from 1", name, given)
	}
	return n, nil
}

// href is a link as lists have it.
type href struct {
	Href string `json:"href"`
}

// link is the path of a thing.
func link(parts ...string) string { return Base + "/" + strings.Join(parts, "/") }

// meta says which part of a list this is.
type meta struct {
	Total       int   `json:"total"`
	CurrentPage int   `json:"current_page"`
	LastPage    int   `json:"last_page"`
	First       *href `json:"first"`
	Previous    *href `json:"previous,omitempty"`
	Self        *href `json:"self"`
	Next        *href `json:"next,omitempty"`
	Last        *href `json:"last"`
}

// meta makes a list's links relative to the base: packngo puts its own base
// before them.
func (c *call) meta(p metal.Page, total int) meta {
	last := max(1, (total+p.Limit-1)/p.Limit)
	current := p.Offset/p.Limit + 1
	path := strings.TrimPrefix(c.request.URL.Path, Base)
	at := func(n int) *href {
		q := c.request.URL.Query()
		q.Set("page", strconv.Itoa(n))
		return &href{path + "?" + q.Encode()}
	}
	m := meta{Total: total, CurrentPage: current, LastPage: last, First: at(1), Self: at(current), Last: at(last)}
	if current > 1 {
		m.Previous = at(current - 1)
	}
	if current < last {
		m.Next = at(current + 1)
	}
	return m
}

// stamp is a moment as the API writes it; nil for none.
func stamp(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	s := t.UTC().Format(time.RFC3339)
	return &s
}
