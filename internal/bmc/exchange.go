package bmc

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"millwright/internal/metal"
)

// exchange is one request and what came of it.
type exchange struct {
	method, path string
	session      bool // whether it was sent within a session, after a log-in
	status       int  // 0 if there was no answer
	body         []byte
	location     string // where what was made can be found
	err          error  // why there was no answer
}

func newExchange(req *http.Request, resp *http.Response, body []byte, err error) exchange {
	e := exchange{
		method: req.Method, path: req.URL.Path,
		session: req.Header.Get("X-Auth-Token") != "",
		body:    body, err: err,
	}
	if resp != nil {
		e.status = resp.StatusCode
	}
	return e
}

func (e exchange) failed() bool { return e.err != nil || e.status >= 400 }

func (e exchange) request() string { return e.method + " " + e.path }

func (e exchange) isServiceRoot() bool { return strings.TrimSuffix(e.path, "/") == "/redfish/v1" }

// refusal is the error for an answer of status 400 and above.
func (e exchange) refusal() error {
	text := fmt.Sprintf("%s: HTTP %d", e.request(), e.status)
	if id := e.messageID(); id != "" {
		text += " " + id
	}
	switch {
	case e.busy():
		return fmt.Errorf("%s: insufficient resources for session", text)
	case e.status == http.StatusUnauthorized && e.session:
		// The credentials opened the session; BMCs lose sessions when they restart.
		return fmt.Errorf("%s: session lost", text)
	case e.status == http.StatusUnauthorized, e.status == http.StatusForbidden:
		return fmt.Errorf("%s: %w", text, metal.ErrBadCredentials)
	case e.status == http.StatusMethodNotAllowed, e.status == http.StatusNotImplemented:
		return fmt.Errorf("%s: %w", text, metal.ErrUnsupported)
	}
	return fmt.Errorf("%s", text)
}

// busy recognises a BMC that has no session left. Dell's iDRAC says
// "insufficient resources for session", others have the registry's word, and
// not all of them with status 503.
func (e exchange) busy() bool {
	body := strings.ToLower(string(e.body))
	return strings.Contains(body, "sessionlimitexceeded") ||
		(strings.Contains(body, "insufficient") && strings.Contains(body, "session"))
}

// messageIDs are names out of a message registry, such as
// "Base.1.8.SessionLimitExceeded". Nothing else of an answer stands in errors.
var messageIDs = regexp.MustCompile(`^[A-Za-z0-9._-]{1,80}$`)

func (e exchange) messageID() string {
	var answer struct {
		Error struct {
			Code     string `json:"code"`
			Extended []struct {
				MessageID string `json:"MessageId"`
			} `json:"@Message.ExtendedInfo"`
		} `json:"error"`
	}
	if json.Unmarshal(e.body, &answer) != nil {
		return ""
	}
	id := answer.Error.Code
	if len(answer.Error.Extended) > 0 {
		id = answer.Error.Extended[0].MessageID
	}
	if !messageIDs.MatchString(id) {
		return ""
	}
	return id
}
