package api

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"unicode/utf8"
)

const (
	maxName   = 80       // characters, as the API's description has it
	maxObject = 64 << 10 // bytes of custom data
	maxTags   = 100
	maxTag    = 200 // bytes
)

// object is a tenant's own JSON object. Some clients send it as such, others as
// a string that holds it; an empty string and null mean that it was not given.
type object json.RawMessage

// UnmarshalJSON writes the object anew: what Postgres would choke on, half of a
// surrogate pair, is replaced on the way.
func (o *object) UnmarshalJSON(raw []byte) error {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		raw = []byte(text)
	}
	if len(bytes.TrimSpace(raw)) == 0 || string(raw) == "null" {
		return nil
	}
	if len(raw) > maxObject {
		return unprocessable("customdata: %d bytes; at most %d", len(raw), maxObject)
	}
	var tree map[string]any
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	if err := decoder.Decode(&tree); err != nil || tree == nil || decoder.More() {
		return unprocessable("customdata: want a JSON object, or a string that holds one")
	}
	if holdsNUL(raw) {
		return unprocessable("customdata: it holds a NUL character; leave it out")
	}
	anew, err := json.Marshal(tree)
	*o = anew
	return err
}

// escapedNUL is \u0000 with an even number of backslashes before it: with an
// odd one, the first backslash of its own is escaped.
var escapedNUL = regexp.MustCompile(`(^|[^\\])(\\\\)*\\u0000`)

// holdsNUL finds the one character that Postgres has no text for.
func holdsNUL(body []byte) bool {
	return bytes.IndexByte(body, 0) >= 0 || bytes.Contains(body, []byte(`\u0000`)) && escapedNUL.Match(body)
}

// checkText refuses what is longer than so many characters, or would break the
// line in which it is shown.
func checkText(field, value string, most int) error {
	if n := utf8.RuneCountInString(value); n > most {
		return unprocessable("%s: %d characters; at most %d", field, n, most)
	}
	if strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return unprocessable("%s: it holds control characters; leave them out", field)
	}
	return nil
}

// checkName is checkText for what has to be called something.
func checkName(field, value string) error {
	if strings.TrimSpace(value) == "" {
		return unprocessable("%s: missing; give it 1 to %d characters", field, maxName)
	}
	return checkText(field, value, maxName)
}

func checkTags(tags []string) error {
	if len(tags) > maxTags {
		return unprocessable("tags: %d of them; at most %d", len(tags), maxTags)
	}
	for _, tag := range tags {
		if tag == "" || len(tag) > maxTag {
			return unprocessable("tags: each has 1 to %d bytes", maxTag)
		}
		if err := checkText("tags", tag, maxTag); err != nil {
			return err
		}
	}
	return nil
}

// given is what a field was set to; nil where it was left out, or empty, which
// means the same to the API's clients.
func given(value *string) *string {
	if value == nil || *value == "" {
		return nil
	}
	return value
}
