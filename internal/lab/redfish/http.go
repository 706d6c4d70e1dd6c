package redfish

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"path"
	"strings"
	"time"
)

// bodyLimit is far above any request that this BMC understands.
const bodyLimit = 64 << 10

// verb is one method of one path. It gets the body read, because net/http
// notices a client that went away only once the body was read.
type verb func(b *BMC, w http.ResponseWriter, r *http.Request, body []byte)

// verbs are all that change something, or are no resource; a path that ends in
// "/*" is that of each member. Resources are in views and families.
var verbs = map[string]verb{
	"GET /redfish":                                   versions,
	"POST " + sessionsPath:                           (*BMC).login,
	"DELETE " + sessionsPath + "/*":                  endSession,
	"POST " + accountsPath:                           createAccount,
	"PATCH " + accountsPath + "/*":                   patchAccount,
	"DELETE " + accountsPath + "/*":                  deleteAccount,
	"PATCH " + systemPath:                            patchSystem,
	"POST " + resetPath:                              reset,
	"PATCH " + biosNextPath:                          patchBIOS,
	"PATCH " + optionsPath + "/*":                    patchOption,
	"DELETE " + optionsPath + "/*":                   deleteOption,
	"POST " + restartPath:                            restart,
	"PATCH " + lanPath:                               patchLAN,
	"PATCH " + hostPath:                              patchHost,
	"POST " + clearPath:                              clearLog,
	"POST " + simplePath:                             simpleUpdate,
	"POST " + pushPath:                               pushUpdate,
	"POST " + multipartPath:                          pushMultipart,
	"GET " + tasksPath + "/*/Monitor":                monitorTask,
	"POST " + inventoryPath + "/*" + activatePostfix: activate,
}

// open are the verbs that want no proof: how to find and to open a session.
var open = map[string]bool{"GET /redfish": true, "GET " + rootPath: true, "POST " + sessionsPath: true}

// ServeHTTP answers one Redfish request, faults permitting.
func (b *BMC) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	at := strings.TrimSuffix(r.URL.Path, "/")
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limitOf(at)))
	if err != nil {
		return
	}
	if b.isAway() {
		panic(http.ErrAbortHandler)
	}
	b.count(r)
	b.hang(r, Hang)
	name := r.Method + " " + at
	b.log.Debug("request", "verb", name)
	if !open[name] && !b.admitted(r) {
		unauthorized(w)
		return
	}
	if !open[name] {
		b.hang(r, HangInside)
	}
	b.settle()
	do := verbFor(r.Method, at)
	switch {
	case strings.HasPrefix(at, systemsPath) && b.has(StuckInside):
		refuse(w, http.StatusInternalServerError, "InternalError", "the service behind this has stopped")
	case do != nil && !b.hides(name):
		do(b, w, r, body)
	case do == nil && r.Method == http.MethodGet:
		b.get(w, r, at)
	default:
		notFound(w, r)
	}
}

// verbFor finds a verb by its path, or as one of a member's.
func verbFor(method, at string) verb {
	if do, ok := verbs[method+" "+at]; ok {
		return do
	}
	if do, ok := verbs[method+" "+path.Dir(at)+"/*"]; ok {
		return do
	}
	for _, postfix := range []string{monitorPostfix, activatePostfix} {
		if member, found := strings.CutSuffix(at, postfix); found {
			return verbs[method+" "+path.Dir(member)+"/*"+postfix]
		}
	}
	return nil
}

// limitOf is how much a request may bring.
func limitOf(at string) int64 {
	if at == pushPath || at == multipartPath {
		return imageLimit
	}
	return bodyLimit
}

// hides says whether a verb is missing on a BMC without sessions.
func (b *BMC) hides(name string) bool {
	return strings.Contains(name, servicePath) && b.has(NoSessions)
}

// hang keeps a request waiting if it is to: for the fault's delay, or until
// the client gives up or the faults are cleared.
func (b *BMC) hang(r *http.Request, fault string) {
	f, struck := b.strike(fault)
	if !struck {
		return
	}
	b.mu.Lock()
	cleared := b.cleared
	b.mu.Unlock()
	var late <-chan time.Time // nil: never
	if f.Delay > 0 {
		late = time.After(f.Delay)
	}
	b.waitFor(r, late, cleared)
}

// waitFor returns when it is late or the faults are cleared. A client that gives
// up before gets nothing.
func (b *BMC) waitFor(r *http.Request, late <-chan time.Time, cleared <-chan struct{}) {
	select {
	case <-late:
	case <-cleared:
	case <-r.Context().Done():
		panic(http.ErrAbortHandler) // nobody is left to answer
	}
}

// answer writes a JSON object.
func answer(w http.ResponseWriter, status int, o object) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("OData-Version", "4.0")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(o) // a client that went away is its own concern
}

// refuse writes a Redfish error (DSP0266, error responses).
func refuse(w http.ResponseWriter, status int, id, message string) {
	answer(w, status, object{"error": object{
		"code":    "Base.1.8.GeneralError",
		"message": message,
		"@Message.ExtendedInfo": []object{{
			"MessageId": "Base.1.8." + id, "Message": message, "Severity": "Critical",
		}},
	}})
}

func unauthorized(w http.ResponseWriter) {
	w.Header().Set("WWW-Authenticate", `Basic realm="bmc"`)
	refuse(w, http.StatusUnauthorized, "NoValidSession", "no valid session, and no valid credentials")
}

func notFound(w http.ResponseWriter, r *http.Request) {
	refuse(w, http.StatusNotFound, "ResourceMissingAtURI", "nothing at "+r.URL.Path)
}

// read decodes a request's body, in which nothing may be unknown: real BMCs
// refuse what they do not know, and so hide no misspelling.
func read(w http.ResponseWriter, body []byte, into any) bool {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		refuse(w, http.StatusBadRequest, "PropertyUnknown", err.Error())
		return false
	}
	return true
}
