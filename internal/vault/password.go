package vault

import (
	"crypto/rand"
	"math/big"
	"strings"
)

// Longest is what IPMI 2.0 has room for, section 22.30: 20 bytes. BMCs that
// stayed with IPMI 1.5 have room for 16, and some cut what is longer without a
// word, so that the login fails.
const (
	Longest  = 20
	Shortest = 12
)

// What passwords are made of. Letters and digits that look alike are left out,
// for who has to type one at a console. The one other sign is a hyphen, which
// all vendors take whose rules are public (Lenovo XCC and Huawei iBMC list
// their signs), and which means nothing to a shell or in XML.
const (
	lower  = "abcdefghijkmnpqrstuvwxyz"
	upper  = "ABCDEFGHJKLMNPQRSTUVWXYZ"
	digits = "23456789"
	sign   = "-"
)

// Password makes one of so many characters; 20 if zero, and never more nor
// fewer than 12. Sixteen hold more than 80 bits.
func Password(length int) string {
	if length == 0 {
		length = Longest
	}
	length = max(Shortest, min(length, Longest))
	for {
		var b strings.Builder
		at := 1 + pick(length-2)
		for i := range length {
			from := lower + upper + digits
			if i == at {
				from = sign
			}
			b.WriteByte(from[pick(len(from))])
		}
		if pleases(b.String()) {
			return b.String()
		}
	}
}

// pleases holds a password against the strictest rules that BMCs are delivered
// with: lower, upper, digit and sign (Huawei iBMC wants the sign, HPE iLO three
// of the four); no sign at either end; no character twice in a row (Lenovo XCC
// allows two); a letter first.
func pleases(p string) bool {
	for i := 1; i < len(p); i++ {
		if p[i] == p[i-1] {
			return false
		}
	}
	for _, kind := range []string{lower, upper, digits, sign} {
		if !strings.ContainsAny(p, kind) {
			return false
		}
	}
	return strings.ContainsAny(p[:1], lower+upper)
}

// pick draws a number below n.
func pick(n int) int {
	drawn, _ := rand.Int(rand.Reader, big.NewInt(int64(n))) // never fails: crypto/rand ends the program instead
	return int(drawn.Int64())
}
