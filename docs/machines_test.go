package docs

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheMovesOfMachinesAreThoseOfTheSchema(t *testing.T) {
	t.Parallel()
	moves := ""
	for _, file := range []string{"../schema/0019_machine_life.sql", "../schema/0022_restore.sql"} {
		_, more, _ := strings.Cut(read(t, file), "insert into machine_moves")
		more, _, _ = strings.Cut(more, ";")
		moves += more
	}
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
