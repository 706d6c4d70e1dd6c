package sos

// escape finds `~.` at the beginning of a line, which ends a session; `~~` is
// a tilde. The zero value stands at the beginning of a line.
type escape struct {
	within bool // in a line
	tilde  bool // after a tilde that began one
}

// typed answers with what is for the machine, and whether the session ends.
func (e *escape) typed(p []byte) (out []byte, end bool) {
	for _, b := range p {
		if e.tilde {
			e.tilde = false
			switch b {
			case '.':
				return out, true
			case '~':
				e.within = true
				out = append(out, b)
				continue
			}
			out = append(out, '~')
		} else if b == '~' && !e.within {
			e.tilde = true
			continue
		}
		out = append(out, b)
		e.within = b != '\r' && b != '\n'
	}
	return out, false
}
