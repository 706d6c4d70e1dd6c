package redfish

import (
	"encoding/json"
	"io"
	"net/http"
	"path"
	"strings"
	"time"
)

// bodyLimit is far above any request that this BMC understands.
const bodyLimit = 64 << 10

// object is a JSON object on its way out.
type object = map[string]any

// verb is one method of one path. It gets the body read, because net/http
// notices a client that went away only once the body was read.
type verb func(b *BMC, w http.ResponseWriter, r *http.Request, body []byte)

// verbs is the shape of the service; one table serves every BMC of the process.
var verbs = map[string]verb{
	"GET /redfish":               versions,
	"GET " + rootPath:            serviceRoot,
	"GET " + servicePath:         sessionService,
	"GET " + sessionsPath:        sessionCollection,
	"POST " + sessionsPath:       (*BMC).login,
	"GET " + systemsPath:         collection(systemPath),
	"GET " + systemPath:          system,
	"PATCH " + systemPath:        patchSystem,
	"POST " + resetPath:          reset,
	"GET " + chassisPath:         collection(chassisPath + "/1"),
	"GET " + chassisPath + "/1":  chassisMember,
	"GET " + managersPath:        collection(managersPath + "/1"),
	"GET " + managersPath + "/1": managerMember,
}

// open are the verbs that want no proof: how to find and to open a session.
var open = map[string]bool{"GET /redfish": true, "GET " + rootPath: true, "POST " + sessionsPath: true}

// ServeHTTP answers one Redfish request, faults permitting.
func (b *BMC) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, bodyLimit))
	if err != nil {
		return
	}
	b.count(r)
	b.hang(r, Hang)
	name := r.Method + " " + strings.TrimSuffix(r.URL.Path, "/")
	b.log.Debug("request", "verb", name)
	if !open[name] && !b.admitted(r) {
		unauthorized(w)
		return
	}
	if !open[name] {
		b.hang(r, HangInside)
	}
	if do, ok := verbs[name]; ok && !b.hides(name) {
		do(b, w, r, body)
		return
	}
	if path.Dir(r.URL.Path) == sessionsPath && (r.Method == http.MethodGet || r.Method == http.MethodDelete) {
		b.sessionMember(w, r)
		return
	}
	notFound(w, r)
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
