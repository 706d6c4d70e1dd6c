package console

import "unicode/utf8"

// Harmless makes what a machine printed fit for somebody else's terminal. A
// machine's output is its tenant's: it may move the cursor over what was there
// before, change a window's title, or have a terminal type its answer into the
// shell. Text, ends of lines, tabs, backspaces and colours pass; any other control
// sequence is left out, and what is no text becomes "·". The zero value begins
// a stream, which may be cut anywhere.
type Harmless struct {
	state escapeState
	held  []byte // a sequence, or a character, whose end has not come yet
}

type escapeState int

const (
	inText   escapeState = iota
	inEscape             // after ESC
	inCSI                // after ESC [
	inString             // after ESC ], P, X, ^ or _: until BEL or ESC \
	inStringEscape
)

// longestColour is more than any sequence of colours takes; longer ones are no
// longer believed to be one.
const longestColour = 40

// Clean answers with what of the next bytes may be shown.
func (h *Harmless) Clean(p []byte) []byte {
	out := make([]byte, 0, len(p))
	for _, b := range p {
		switch h.state {
		case inText:
			out = h.text(out, b)
		case inEscape:
			h.escape(b)
		case inCSI:
			out = h.csi(out, b)
		case inString:
			if b == 0x07 {
				h.state = inText
			} else if b == 0x1b {
				h.state = inStringEscape
			}
		case inStringEscape:
			h.state = inString
			if b == '\\' {
				h.state = inText
			}
		}
	}
	return out
}

func (h *Harmless) text(out []byte, b byte) []byte {
	if b >= utf8.RuneSelf {
		return h.rune(out, b)
	}
	out = h.rubbish(out)
	switch {
	case b == 0x1b:
		h.state = inEscape
	case b == '\n', b == '\r', b == '\t', b == '\b', b >= ' ' && b < 0x7f:
		out = append(out, b)
	case b == 0, b == 0x07, b == 0x0e, b == 0x0f: // padding, bells and character sets say nothing
	default:
		out = append(out, "·"...)
	}
	return out
}

// rune collects a character of several bytes. Those from 0x80 to 0x9f are
// controls to some terminals, in whichever encoding they come.
func (h *Harmless) rune(out []byte, b byte) []byte {
	h.held = append(h.held, b)
	if !utf8.FullRune(h.held) {
		return out
	}
	r, size := utf8.DecodeRune(h.held)
	if r == utf8.RuneError || r < 0xa0 || size != len(h.held) || isBidi(r) {
		return h.rubbish(out)
	}
	out = append(out, h.held...)
	h.held = h.held[:0]
	return out
}

// isBidi says whether a character turns the direction of what follows, so that
// a line reads otherwise than it is.
func isBidi(r rune) bool { return r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 }

func (h *Harmless) rubbish(out []byte) []byte {
	if len(h.held) > 0 {
		out = append(out, "·"...)
	}
	h.held = h.held[:0]
	return out
}

func (h *Harmless) escape(b byte) {
	switch {
	case b == '[':
		h.state = inCSI
	case b == ']', b == 'P', b == 'X', b == '^', b == '_':
		h.state = inString
	case b == 0x1b || b >= ' ' && b <= '/': // another one, or one of three bytes
	default:
		h.state = inText
	}
}

// csi passes on what ends in m, which is a colour, if that is all it is.
func (h *Harmless) csi(out []byte, b byte) []byte {
	switch {
	case b == 0x1b:
		h.held, h.state = h.held[:0], inEscape
	case b < '@' && b >= ' ':
		h.held = append(h.held, b)
		if len(h.held) > longestColour {
			h.held = append(h.held[:0], '?') // no colour has one
		}
	case b >= '@' && b <= '~':
		if b == 'm' && isColour(h.held) {
			out = append(append(append(out, "\x1b["...), h.held...), 'm')
		}
		h.held, h.state = h.held[:0], inText
	}
	return out
}

func isColour(parameters []byte) bool {
	for _, b := range parameters {
		if (b < '0' || b > '9') && b != ';' {
			return false
		}
	}
	return true
}
