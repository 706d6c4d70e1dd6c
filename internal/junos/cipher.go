package junos

import "strings"

// Junos shows a key as "$9$" and a text that anybody can turn back: it keeps
// out eyes that pass by. To see whether a switch has the key that it should,
// its text must be turned back, because the same key is written differently
// each time. The code is public knowledge since Crypt::Juniper (2008). A "$8$"
// is enciphered with a password of the switch, and nobody else can read it.
const (
	obscured   = "$9$"
	enciphered = "$8$"
)

// alphabet is the characters of the code in four groups. A text begins with one
// character, and after it with as many meaningless ones as its group says:
// three of the first group, none of the last.
var alphabet = []string{"QzF3n6/9CAtpu0O", "B1IREhcSyrleKvMW8LXx", "7N-dVbwsY2g4oaJZGUDj", "iHkq.mPf5T"}

// weights are of the distances between neighbouring characters, by which the
// nth byte of the key is summed up; they repeat.
var weights = [][]int{{1, 4, 32}, {1, 16, 32}, {1, 8, 32}, {1, 64}, {1, 32}, {1, 4, 16, 128}, {1, 32, 64}}

// revealed is the key behind what Junos shows; what it did not obscure, or
// nobody can read, as it stands.
func revealed(shown string) string {
	code, ok := strings.CutPrefix(shown, obscured)
	if !ok || code == "" {
		return shown
	}
	skip := 1
	for group, characters := range alphabet {
		if strings.IndexByte(characters, code[0]) >= 0 {
			skip += len(alphabet) - 1 - group
		}
	}
	if len(code) < skip {
		return shown
	}
	key, ok := decoded(code[0], code[skip:])
	if !ok {
		return shown
	}
	return key
}

// decoded sums up byte after byte; false where the code ends inside one.
func decoded(previous byte, code string) (string, bool) {
	all := strings.Join(alphabet, "")
	var key []byte
	for code != "" {
		weight := weights[len(key)%len(weights)]
		if len(code) < len(weight) {
			return "", false
		}
		sum := 0
		for i, w := range weight {
			from, to := strings.IndexByte(all, previous), strings.IndexByte(all, code[i])
			if from < 0 || to < 0 {
				return "", false
			}
			sum += w * ((to-from+len(all))%len(all) - 1)
			previous = code[i]
		}
		key = append(key, byte(sum))
		code = code[len(weight):]
	}
	return string(key), true
}
