package main

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"net/http"
	"os"
	"strings"
)

// tokens are the hashes of the bearer tokens that open the door; nil lets
// everybody in.
type tokens [][sha256.Size]byte

// shortest is what a token must have at least: 16 random bytes in base64 are
// 22 characters.
const shortest = 16

// readTokens takes one token to a line, so that a new one can be let in before
// the old one is shut out.
func readTokens(file string) (tokens, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read the tokens: %w", err)
	}
	all := tokens{}
	n := 0
	for line := range strings.Lines(string(text)) {
		n++
		token := strings.TrimSpace(line)
		if token == "" || strings.HasPrefix(token, "#") {
			continue
		}
		if len(token) < shortest {
			return nil, usage(fmt.Errorf("%s:%d: the token has %d characters; want at least %d: openssl rand -hex 32", file, n, len(token), shortest))
		}
		all = append(all, sha256.Sum256([]byte(token)))
	}
	if len(all) == 0 {
		return nil, usage(fmt.Errorf("%s holds no token; put one on a line: openssl rand -hex 32", file))
	}
	return all, nil
}

// admit compares hashes, all of them and in constant time: neither how much of
// a token is right nor which one it was close to can be measured.
func (t tokens) admit(r *http.Request) bool {
	if t == nil {
		return true
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	given := sha256.Sum256([]byte(strings.TrimSpace(token)))
	found := 0
	for _, hash := range t {
		found |= subtle.ConstantTimeCompare(hash[:], given[:])
	}
	return found == 1 && strings.EqualFold(scheme, "Bearer")
}
