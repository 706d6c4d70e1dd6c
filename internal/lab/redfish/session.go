package redfish

import (
	"cmp"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	sessionLimit = 8               // what small BMCs hold
	sessionIdle  = 5 * time.Minute // after which a forgotten session makes room; a common factory setting
)

// session is one login, found by its token.
type session struct {
	id   string
	user string
	used time.Time
}

// login answers POST …/Sessions.
func (b *BMC) login(w http.ResponseWriter, r *http.Request, body []byte) {
	var asked struct{ UserName, Password string }
	if err := json.Unmarshal(body, &asked); err != nil {
		refuse(w, http.StatusBadRequest, "MalformedJSON", "the request body is no JSON object")
		return
	}
	if _, struck := b.strike(RefuseLogin); struck || !b.knows(asked.UserName, asked.Password) {
		unauthorized(w)
		return
	}
	b.hangMost(r)
	token, id, ok := b.newSession(asked.UserName)
	if !ok {
		refuse(w, http.StatusServiceUnavailable, "SessionLimitExceeded", "insufficient resources for session")
		return
	}
	b.hang(r, SlowLogin)
	w.Header().Set("X-Auth-Token", token)
	w.Header().Set("Location", sessionsPath+"/"+id)
	answer(w, http.StatusCreated, sessionObject(id, asked.UserName))
}

// newSession makes a session if there is room for one.
func (b *BMC) newSession(user string) (token, id string, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.logins++
	if _, armed := b.faults[SessionBusy]; armed && b.logins%3 == 0 {
		b.strikeLocked(SessionBusy)
		return "", "", false
	}
	if b.declines() {
		return "", "", false
	}
	b.expireSessions()
	if len(b.sessions) >= sessionLimit {
		return "", "", false
	}
	if b.sessions == nil {
		b.sessions = map[string]*session{}
	}
	token, id = rand.Text(), strconv.Itoa(b.logins)
	b.sessions[token] = &session{id: id, user: user, used: time.Now()}
	b.load.MostSessions = max(b.load.MostSessions, len(b.sessions))
	return token, id, true
}

// declines says whether a trait of this BMC keeps the login that was just
// counted from getting a session. It wants the lock.
func (b *BMC) declines() bool {
	_, never := b.faults[RefuseSession]
	_, third := b.faults[EveryThird]
	return never || third && b.logins%3 != 0
}

// hangMost is what EveryThird does to the logins that it does not answer, where
// it has a delay.
func (b *BMC) hangMost(r *http.Request) {
	b.mu.Lock()
	f, armed := b.faults[EveryThird]
	answered, cleared := (b.logins+1)%3 == 0, b.cleared
	b.mu.Unlock()
	if armed && f.Delay > 0 && !answered {
		b.waitFor(r, time.After(f.Delay), cleared)
	}
}

func (b *BMC) expireSessions() {
	for token, s := range b.sessions {
		if time.Since(s.used) > sessionIdle {
			delete(b.sessions, token)
		}
	}
}

// Sessions is how many sessions are open: a client that leaves some behind is
// one that locks itself out.
func (b *BMC) Sessions() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.expireSessions()
	return len(b.sessions)
}

// admitted says whether a request proves who it is from, by token or Basic auth.
func (b *BMC) admitted(r *http.Request) bool {
	if user, password, ok := r.BasicAuth(); ok {
		_, struck := b.strike(RefuseLogin)
		return !struck && b.knows(user, password)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.expireSessions()
	s, ok := b.sessions[r.Header.Get("X-Auth-Token")]
	if ok {
		s.used = time.Now()
	}
	return ok
}

// sessionIDs are of the open ones, in the order in which they were opened.
func (b *BMC) sessionIDs() (ids []string) {
	for _, s := range b.sessions {
		ids = append(ids, s.id)
	}
	slices.SortFunc(ids, func(x, y string) int { return cmp.Or(cmp.Compare(len(x), len(y)), strings.Compare(x, y)) })
	return ids
}

func (b *BMC) sessionView(id string) object {
	for _, s := range b.sessions {
		if s.id == id {
			return sessionObject(s.id, s.user)
		}
	}
	return nil
}

// endSession answers DELETE of one session, which may be the asker's own.
func endSession(b *BMC, w http.ResponseWriter, r *http.Request, _ []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for token, s := range b.sessions {
		if s.id == base(r) {
			delete(b.sessions, token)
			w.WriteHeader(http.StatusNoContent)
			return
		}
	}
	notFound(w, r)
}

func sessionObject(id, user string) object {
	return object{
		"@odata.id": sessionsPath + "/" + id, "@odata.type": "#Session.v1_3_0.Session",
		"Id": id, "Name": "Session " + id, "UserName": user,
	}
}
