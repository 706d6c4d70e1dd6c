package signin

import (
	"crypto/subtle"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"millwright/internal/metal"
)

// opened is a session as the command line hears of it.
type opened struct {
	Key     string    `json:"key"`
	Expires time.Time `json:"expires_at"`
	User    string    `json:"user_id"`
}

// open makes a key. It is in this answer, and nowhere else.
func (d *door) open(r *http.Request, user metal.UserID) (opened, error) {
	key := random()
	session := metal.Session{Key: metal.KeyID(uuid.NewString()), User: user, Hash: hashed(key), Lifetime: sessionLife}
	change := changeOf(r, http.StatusCreated)
	change.Caller = metal.Caller{Key: session.Key, User: user, Session: true}
	ends, err := d.Store.OpenSession(r.Context(), change, session)
	if err != nil {
		return opened{}, notThisUser(err)
	}
	return opened{key, ends.UTC(), string(user)}, nil
}

func changeOf(r *http.Request, code int) metal.Request {
	source, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		source = r.RemoteAddr
	}
	return metal.Request{Source: source, ID: uuid.NewString(), Method: r.Method, Path: r.URL.Path, Code: code}
}

// shown is a page with the key, for who has no command line at hand.
func (d *door) shown(r *http.Request, user metal.User) (page, error) {
	o, err := d.open(r, user.ID)
	if err != nil {
		return page{}, err
	}
	return page{Title: "Signed in as " + user.Email, Key: o.Key, Expires: o.Expires.Format(time.RFC3339), Public: d.Public}, nil
}

// asked is how the command line proves that it is the one which sent a browser.
type asked struct {
	Code     string `json:"code"`
	Verifier string `json:"verifier"`
}

// exchange changes a code for a key. A code is good once, and for a minute, even
// if it comes with the wrong verifier.
func (d *door) exchange(w http.ResponseWriter, r *http.Request) (any, error) {
	var a asked
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 4096)).Decode(&a); err != nil {
		return nil, refuse(http.StatusUnprocessableEntity, "body: want a JSON object of code and verifier")
	}
	stale := refuse(http.StatusUnauthorized, "code: it was used, is too old, or was another program's; sign in again")
	if !secretForm.MatchString(a.Code) {
		return nil, stale
	}
	kept, err := d.Store.TakeCode(r.Context(), hashed(a.Code))
	switch {
	case errors.Is(err, metal.ErrNotFound):
		return nil, stale
	case err != nil:
		return nil, err
	case subtle.ConstantTimeCompare([]byte(kept.Challenge), []byte(Challenge(a.Verifier))) != 1:
		return nil, stale
	}
	return d.open(r, kept.User)
}

// logout ends the session whose key it carries.
func (d *door) logout(_ http.ResponseWriter, r *http.Request) (any, error) {
	key := r.Header.Get("X-Auth-Token")
	if key == "" {
		_, key, _ = strings.Cut(r.Header.Get("Authorization"), " ")
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(r.Body, 4096))
	err := d.Store.EndSession(r.Context(), changeOf(r, http.StatusNoContent), hashed(strings.TrimSpace(key)))
	if errors.Is(err, metal.ErrNotFound) {
		return nil, refuse(http.StatusUnauthorized, "no sign-in has this key; one that was made by hand is revoked with DELETE /metal/v1/user/api-keys/<id>")
	}
	return nil, err
}
