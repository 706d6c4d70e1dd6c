package docs

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheMovesOfMachinesAreThoseOfTheSchema(t *testing.T) {
	t.Parallel()
	_, moves, _ := strings.Cut(read(t, "../schema/0019_machine_life.sql"), "insert into machine_moves")
	moves, _, _ = strings.Cut(moves, ";")
	var want, told [][]string
	for _, m := range regexp.MustCompile(`\('(\w+)', +'(\w+)', +'([^']+)'\)`).FindAllStringSubmatch(moves, -1) {
		want = append(want, m[1:])
	}
	for _, m := range regexp.MustCompile("(?m)^\\| `(\\w+)` \\| `(\\w+)` \\| (.+) \\|$").FindAllStringSubmatch(read(t, "machines.md"), -1) {
		told = append(told, m[1:])
	}
	require.NotEmpty(t, want)
	require.Equal(t, want, told)
}
