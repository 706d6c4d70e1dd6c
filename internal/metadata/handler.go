package metadata

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"millwright/internal/metal"
)

// Finder finds the machine that a request comes from. An error that wraps
// metal.ErrUnknownMachine is answered 404; any other 503, so that the caller
// asks again.
type Finder func(r *http.Request) (metal.BootMachine, error)

// Handler serves /metadata, /userdata and /2009-04-04/ to the machines that
// find knows. The url is that of the boot service, as machines reach it.
func Handler(find Finder, url string) http.Handler {
	s := service{find: find, url: url}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metadata", s.with(s.metadata))
	mux.HandleFunc("GET /userdata", s.with(s.userData))
	mux.HandleFunc("GET /2009-04-04/user-data", s.with(s.userData))
	mux.HandleFunc("GET /2009-04-04/{$}", s.with(s.top))
	mux.HandleFunc("GET /2009-04-04/meta-data", s.with(s.browse))
	mux.HandleFunc("GET /2009-04-04/meta-data/{path...}", s.with(s.browse))
	return mux
}

type service struct {
	find Finder
	url  string
}

type tenantHandler func(w http.ResponseWriter, r *http.Request, m metal.BootMachine)

// with finds the caller and answers for those who have no device. Nothing is
// cached: the next tenant of the machine asks at the same address.
func (s service) with(next tenantHandler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		m, err := s.find(r)
		switch {
		case errors.Is(err, metal.ErrUnknownMachine):
			refuse(w, http.StatusNotFound, "no machine has this address")
		case err != nil:
			refuse(w, http.StatusServiceUnavailable, "cannot tell at the moment; ask again")
		case m.Tenancy == nil:
			refuse(w, http.StatusNotFound, "no device lives here")
		default:
			next(w, r, m)
		}
	}
}

func (s service) metadata(w http.ResponseWriter, _ *http.Request, m metal.BootMachine) {
	document, _ := Describe(m, s.url)
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(document)
}

// userData is answered even if empty: Ignition takes a 404 for an outage and
// asks for ever.
func (s service) userData(w http.ResponseWriter, _ *http.Request, m metal.BootMachine) {
	w.Header().Set("Content-Type", "application/octet-stream")
	_, _ = w.Write(m.Tenancy.UserData)
}

func (s service) top(w http.ResponseWriter, _ *http.Request, _ metal.BootMachine) {
	text(w, "meta-data\nuser-data")
}

func (s service) browse(w http.ResponseWriter, r *http.Request, m metal.BootMachine) {
	document, _ := Describe(m, s.url)
	value, ok := browse(tree(document), r.PathValue("path"))
	if !ok {
		refuse(w, http.StatusNotFound, "no such key")
		return
	}
	text(w, value)
}

func text(w http.ResponseWriter, s string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte(strings.TrimSuffix(s, "\n")))
}

func refuse(w http.ResponseWriter, code int, sentence string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(map[string]string{"error": sentence})
}
