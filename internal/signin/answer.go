package signin

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"time"

	"golang.org/x/oauth2"

	"millwright/internal/metal"
)

// answerLimit bounds what the database and the provider may take together.
const answerLimit = 20 * time.Second

// refusal says why somebody is not let in. What has a cause is ours or the
// provider's to mend, and the cause is for the log.
type refusal struct {
	code  int
	words string
	cause error
}

func (r refusal) Error() string { return r.words }
func (r refusal) Unwrap() error { return r.cause }

func refuse(code int, format string, args ...any) error {
	return refusal{code, fmt.Sprintf(format, args...), nil}
}

func broken(what string, cause error) error {
	return refusal{http.StatusBadGateway, "the sign-in provider does not answer as it should; try again, or use a key", fmt.Errorf("%s: %w", what, cause)}
}

// untrue is for what a provider, or somebody in its place, should never say.
func untrue(why string) error {
	return refusal{http.StatusForbidden, "what the sign-in provider says cannot be believed; begin again", errors.New(why)}
}

// notExchanged keeps the provider's body out of the log: it may repeat what it
// was sent.
func notExchanged(err error) error {
	var said *oauth2.RetrieveError
	if !errors.As(err, &said) {
		return broken("change a code for a token", err)
	}
	if said.Response != nil && said.Response.StatusCode < http.StatusInternalServerError {
		return untrue(fmt.Sprintf("it refuses the code: %q", said.ErrorCode))
	}
	return broken("change a code for a token", fmt.Errorf("the provider answers %q", said.ErrorCode))
}

func notThisUser(err error) error {
	switch {
	case errors.Is(err, metal.ErrDisabled):
		return refusal{http.StatusForbidden, "this user is disabled; ask an operator", err}
	case errors.Is(err, metal.ErrTaken):
		return refusal{http.StatusForbidden, "somebody else signed in with this address before; ask an operator", err}
	}
	return err
}

// page is what a browser gets: a redirection, or a page with these words.
type page struct {
	to                          string
	Title, Key, Expires, Public string
	Why                         string
}

//go:embed page.html
var pageText string

var pages = template.Must(template.New("page").Parse(pageText))

// answered makes pages for browsers.
func (d *door) answered(ask func(http.ResponseWriter, *http.Request) (page, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r, cancel := limited(w, r)
		defer cancel()
		p, err := ask(w, r)
		if err == nil && p.to != "" {
			http.Redirect(w, r, p.to, http.StatusSeeOther)
			return
		}
		code := http.StatusOK
		if err != nil {
			said := d.judge(r, err)
			code, p = said.code, page{Title: "Not signed in", Why: said.words}
		} else {
			d.count("done")
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(code)
		_ = pages.Execute(w, p) // the browser went away
	}
}

// told makes JSON for programs, errors in the API's form.
func (d *door) told(ask func(http.ResponseWriter, *http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r, cancel := limited(w, r)
		defer cancel()
		body, err := ask(w, r)
		code := http.StatusCreated
		switch {
		case err != nil:
			said := d.judge(r, err)
			code, body = said.code, map[string][]string{"errors": {said.words}}
		case body == nil:
			w.WriteHeader(http.StatusNoContent)
			return
		default:
			d.count("done")
		}
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.WriteHeader(code)
		_ = json.NewEncoder(w).Encode(body) // the program went away
	}
}

// limited keeps the answer out of caches, frames and other sites' logs.
func limited(w http.ResponseWriter, r *http.Request) (*http.Request, context.CancelFunc) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
	ctx, cancel := context.WithTimeout(r.Context(), answerLimit)
	return r.WithContext(ctx), cancel
}

// judge says what somebody is told, counts it, and logs what they are not told.
func (d *door) judge(r *http.Request, err error) refusal {
	said := refusal{http.StatusInternalServerError, "something is broken here; it was recorded", err}
	_ = errors.As(err, &said)
	outcome := "refused"
	if said.code >= http.StatusInternalServerError {
		outcome = "broken"
	}
	d.count(outcome)
	if said.cause != nil {
		d.Log.Warn("nobody was signed in", "path", r.URL.Path, "source", r.RemoteAddr, "told", said.words, "error", said.cause)
	}
	return said
}
