package netconf

import "strings"

// secretTag is the statement whose text Junos shows to nobody as it was told.
const secretTag = "authentication-key"

// The code of "$9$" texts: each byte is a sum of distances between neighbouring
// characters of this order. See Crypt::Juniper on CPAN.
const (
	secretOrder = "QzF3n6/9CAtpu0O" + "B1IREhcSyrleKvMW8LXx" + "7N-dVbwsY2g4oaJZGUDj" + "iHkq.mPf5T"
	secretFirst = "i" // of the group that no meaningless characters follow
)

var secretWeights = [][]int{{1, 4, 32}, {1, 16, 32}, {1, 8, 32}, {1, 64}, {1, 32}, {1, 4, 16, 128}, {1, 32, 64}}

// obscure writes the secrets in a tree as Junos shows them.
func obscure(n *node) {
	for _, c := range n.children {
		if c.name == secretTag && !strings.HasPrefix(c.text, "$9$") && c.text != "" {
			c.text = obscured(c.text)
		}
		obscure(c)
	}
}

// obscured codes a text, the heaviest weights first.
func obscured(text string) string {
	code, at := "$9$"+secretFirst, strings.Index(secretOrder, secretFirst)
	for i := range len(text) {
		weights := secretWeights[i%len(secretWeights)]
		gaps := make([]int, len(weights))
		left := int(text[i])
		for w := len(weights) - 1; w >= 0; w-- {
			gaps[w], left = left/weights[w], left%weights[w]
		}
		for _, gap := range gaps {
			at = (at + gap + 1) % len(secretOrder)
			code += secretOrder[at : at+1]
		}
	}
	return code
}
