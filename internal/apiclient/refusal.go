package apiclient

import (
	"encoding/json"
	"net/http"
	"strings"
)

// Refusal is an answer that says why not, in the API's own words.
type Refusal struct {
	Code    int
	Words   []string
	Request string // its ID, by which the server's log knows it
}

// Error is the words alone: they name the field and what to do.
func (r Refusal) Error() string { return strings.Join(r.Words, "; ") }

// refused reads either form that errors have.
func refused(answer *http.Response, raw []byte) error {
	var body struct {
		Errors []string `json:"errors"`
		Error  string   `json:"error"`
	}
	_ = json.Unmarshal(raw, &body) // what is no JSON comes from something in between
	r := Refusal{Code: answer.StatusCode, Words: body.Errors, Request: answer.Header.Get("X-Request-Id")}
	if body.Error != "" {
		r.Words = append(r.Words, body.Error)
	}
	if len(r.Words) == 0 {
		r.Words = []string{answer.Request.URL.Host + " answers " + answer.Status}
	}
	return r
}
