package signin

import (
	"encoding/json"
	"net/http"
	"net/mail"
	"slices"
	"strings"
)

// claims are what we ask of a person (OpenID Connect Core 1.0 section 5.1).
type claims struct {
	Email    string `json:"email"`
	Verified truth  `json:"email_verified"`
	Name     string `json:"name"`
}

// truth is a boolean that some providers (Amazon Cognito) write as a string.
type truth bool

// UnmarshalJSON takes true and "true"; all else is not true.
func (t *truth) UnmarshalJSON(raw []byte) error {
	var said any
	err := json.Unmarshal(raw, &said)
	*t = truth(said == true || said == "true")
	return err
}

// address is the one that the provider vouches for, if it may sign in here.
func (d *door) address(said claims) (string, error) {
	email := strings.ToLower(said.Email)
	parsed, err := mail.ParseAddress(email)
	switch {
	case email == "":
		return "", refuse(http.StatusForbidden, "the sign-in provider does not say what your e-mail address is; ask whoever runs it to release the claim email")
	case err != nil || parsed.Address != email || strings.Count(email, "@") != 1:
		return "", refuse(http.StatusForbidden, "what the sign-in provider has for you is no plain e-mail address")
	case !bool(said.Verified):
		return "", refuse(http.StatusForbidden, "the sign-in provider has not verified that %s is yours; have it do so, and sign in again", email)
	}
	_, domain, _ := strings.Cut(email, "@")
	if len(d.Domains) > 0 && !slices.ContainsFunc(d.Domains, func(may string) bool { return strings.EqualFold(may, domain) }) {
		return "", refuse(http.StatusForbidden, "addresses of %s may not sign in here", domain)
	}
	return email, nil
}
