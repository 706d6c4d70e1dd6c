package sitefile

import (
	"fmt"
	"sort"
	"strings"
)

// Problem is one thing wrong in a site file, and what to do about it.
type Problem struct {
	File string
	Line int
	Text string
}

// String is "file:line: text", the form that editors jump to.
func (p Problem) String() string { return fmt.Sprintf("%s:%d: %s", p.File, p.Line, p.Text) }

// Problems is everything that is wrong in one site file, by line.
type Problems []Problem

// Error prints one problem to a line.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// err is nil when there is no problem. The order of checking is not the order
// of the file, so they are sorted here for whoever works through them.
func (ps Problems) err() error {
	if len(ps) == 0 {
		return nil
	}
	sort.SliceStable(ps, func(i, j int) bool { return ps[i].Line < ps[j].Line })
	return ps
}
