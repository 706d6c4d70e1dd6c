package ipam

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Source is where a file says something.
type Source struct {
	File string
	Line int
}

// Problem is one thing that keeps a file from being imported, and what to do
// about it.
type Problem struct {
	At   Source
	Text string
	Kind error // metal.ErrOverlap, ErrInUse, …: one of the sentinels, for programs
}

// String is "file:line: text", the form that editors jump to.
func (p Problem) String() string { return fmt.Sprintf("%s:%d: %s", p.At.File, p.At.Line, p.Text) }

// Problems is everything that is wrong with an import, by file and line.
type Problems []Problem

// Error prints one problem to a line.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// Is lets errors.Is find what kinds of problems there are.
func (ps Problems) Is(target error) bool {
	return slices.ContainsFunc(ps, func(p Problem) bool { return errors.Is(p.Kind, target) })
}

// mostProblems are reported. A million bad lines have one cause, and nobody
// reads the million.
const mostProblems = 1000

// add drops what is beyond the most, but for a last line that says so.
func (ps *Problems) add(at Source, kind error, format string, values ...any) {
	switch {
	case len(*ps) < mostProblems:
		*ps = append(*ps, Problem{At: at, Text: sayable(fmt.Sprintf(format, values...)), Kind: kind})
	case len(*ps) == mostProblems:
		*ps = append(*ps, Problem{At: at, Text: fmt.Sprintf("and more: only the first %d problems are listed", mostProblems), Kind: kind})
	}
}

// longestText keeps a problem on a screen, whatever its file holds.
const longestText = 600

// sayable is a text that a terminal shows and does not obey: files are quoted in
// problems, and anybody may have written them.
func sayable(text string) string {
	if runes := []rune(text); len(runes) > longestText {
		text = string(runes[:longestText]) + "…"
	}
	return oneLine(text)
}

func (ps Problems) err() error {
	if len(ps) == 0 {
		return nil
	}
	slices.SortStableFunc(ps, func(a, b Problem) int {
		return cmp.Or(strings.Compare(a.At.File, b.At.File), cmp.Compare(a.At.Line, b.At.Line))
	})
	return ps
}
