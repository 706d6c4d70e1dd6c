package console

// secretName is what a kernel that prints its command line writes before the
// token of an agent's boot.
const secretName = "millwright.token="

// redactor masks tokens in what a machine prints, however the reads cut it.
// Lengths stay: places in a console are counted in bytes.
type redactor struct {
	matched int  // bytes of secretName that were just seen
	inside  bool // a token is being printed
}

// mask changes p in place.
func (r *redactor) mask(p []byte) {
	for i, b := range p {
		if r.inside {
			if r.inside = isHex(b); r.inside {
				p[i] = '*'
				continue
			}
		}
		r.step(b)
	}
}

// step follows one byte. No beginning of the name comes again inside it but its
// first letter, so that a mismatch leaves at most that one matched.
func (r *redactor) step(b byte) {
	switch {
	case b == secretName[r.matched]:
		r.matched++
	case b == secretName[0]:
		r.matched = 1
	default:
		r.matched = 0
	}
	if r.matched == len(secretName) {
		r.matched, r.inside = 0, true
	}
}

func isHex(b byte) bool { return b >= '0' && b <= '9' || b >= 'a' && b <= 'f' }
