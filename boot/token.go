package main

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"

	"millwright/internal/agent"
	"millwright/internal/metal"
)

// newToken is what an agent proves itself by for one boot. It leaves this
// process in one boot script, and is kept nowhere; its hash is.
func newToken() (token string, hash []byte) {
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // never fails; crypto/rand ends the program first
	token = hex.EncodeToString(secret)
	return token, hashOf(token)
}

// hashOf needs no salt and no slow hash: a token is 256 bits of chance.
func hashOf(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

// bearer is the hash of the token that a request carries.
func bearer(r *http.Request) ([]byte, bool) {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok || token == "" {
		return nil, false
	}
	return hashOf(token), true
}

// bootNumber is which boot a request says that it is of.
func bootNumber(r *http.Request) (metal.BootNumber, bool) {
	n, err := strconv.ParseInt(r.URL.Query().Get(agent.QueryBoot), 10, 64)
	return metal.BootNumber(n), err == nil && n >= 0
}
