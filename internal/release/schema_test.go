package release_test

import (
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/internal/release"
	"millwright/schema"
)

// migrations are this tree's files, and whether the previous release has them.
func migrations(t *testing.T) (sources string, released map[string]bool) {
	t.Helper()
	sources, err := release.Previous().Sources(t.Context())
	sources = have(t, sources, err)
	names, err := fs.Glob(schema.Migrations, "*.sql")
	require.NoError(t, err)
	require.NotEmpty(t, names)
	released = map[string]bool{}
	for _, name := range names {
		_, err := os.Stat(filepath.Join(sources, "schema", name))
		released[name] = err == nil
	}
	return sources, released
}

// What is released has run on databases that are not ours.
func TestReleasedMigrationsAreAsTheyWere(t *testing.T) {
	t.Parallel()
	sources, _ := migrations(t)
	was, err := filepath.Glob(filepath.Join(sources, "schema", "*.sql"))
	require.NoError(t, err)
	require.NotEmpty(t, was)
	for _, name := range was {
		before, err := os.ReadFile(name)
		require.NoError(t, err)
		now, err := fs.ReadFile(schema.Migrations, filepath.Base(name))
		require.NoError(t, err, "a released migration is gone")
		require.Equal(t, string(before), string(now), "%s is released: put the change into a migration of its own", filepath.Base(name))
	}
}

// takes are what a migration must not do while the previous release works on the
// same tables, and what to do instead.
var takes = map[string]*regexp.Regexp{
	"drops what the previous release may read: leave it to the next release": regexp.MustCompile(`\bdrop (table|column|type|function|view|schema)\b`),
	"renames what the previous release knows: add the new name beside it":    regexp.MustCompile(`\brename\b`),
	"changes a column's type: add a column":                                  regexp.MustCompile(`\balter( column)? \w+ (set data )?type\b`),
	"wants what the previous release does not write: give it a default":      regexp.MustCompile(`\balter( column)? \w+ set not null\b|\balter( column)? \w+ drop default\b`),
	"adds a column that the previous release does not fill: give it a default": regexp.MustCompile(
		`\badd column (if not exists )?\w+ [^,;]*\bnot null\b`),
}

var (
	comment  = regexp.MustCompile(`--.*`)
	defaults = regexp.MustCompile(`\bdefault\b|\bgenerated\b`)
	space    = regexp.MustCompile(`\s+`)
)

func TestMigrationsAddAndTakeNothing(t *testing.T) {
	t.Parallel()
	_, released := migrations(t)
	for name, is := range released {
		if is {
			continue
		}
		text, err := fs.ReadFile(schema.Migrations, name)
		require.NoError(t, err)
		for _, found := range taken(string(text)) {
			t.Errorf("%s %s; see docs/operations.md#what-a-migration-may-do", name, found)
		}
	}
}

// taken is what a migration does that it must not. A line that says why it has
// to, as "-- survives: …", is left out.
func taken(migration string) (found []string) {
	var lines []string
	for line := range strings.Lines(migration) {
		if !strings.Contains(line, "-- survives: ") {
			lines = append(lines, comment.ReplaceAllString(line, ""))
		}
	}
	for statement := range strings.SplitSeq(space.ReplaceAllString(strings.ToLower(strings.Join(lines, " ")), " "), ";") {
		for why, wrong := range takes {
			at := wrong.FindString(statement)
			if at == "" || strings.Contains(at, "add column") && !wants(wrong, statement) {
				continue
			}
			found = append(found, why+": "+strings.TrimSpace(at))
		}
	}
	return found
}

// wants tells whether any column that a statement adds has to be filled by
// whoever inserts rows.
func wants(added *regexp.Regexp, statement string) bool {
	for _, column := range added.FindAllString(statement, -1) {
		if rest := statement[strings.Index(statement, column):]; !defaults.MatchString(strings.SplitN(rest, ",", 2)[0]) {
			return true
		}
	}
	return false
}

func TestAMigrationThatTakesIsSeen(t *testing.T) {
	t.Parallel()
	for _, wrong := range []string{
		"alter table devices drop column hostname;", "drop table leases;", "alter table devices rename column a to b;",
		"alter table devices alter column a type bigint;", "alter table devices alter a set not null;",
		"alter table devices add column a text not null;", "alter table d add column a int not null default 0, add column b int not null check (b > 0);",
		"alter table devices\n    drop column a; -- nobody needs it", "drop function take_prefix(cidr, int);",
	} {
		require.NotEmpty(t, taken(wrong), wrong)
	}
	for _, right := range []string{
		"alter table devices add column a text;", "alter table devices add column a text not null default '' check (a <> 'b');",
		"create table t (a text not null, b text not null);", "-- drop table leases;", "create index on t (a);",
		"drop function f(int); -- survives: 0.6 was the last to call it",
	} {
		require.Empty(t, taken(right), right)
	}
}

// The previous release's own tests of its store, with the migrations of this
// tree laid over its own. What they promised on the old schema holds on the new.
func TestThePreviousReleaseSurvivesTheSchema(t *testing.T) {
	t.Parallel()
	sources, released := migrations(t)
	overlay := struct{ Replace map[string]string }{map[string]string{}}
	here, err := filepath.Abs("../../schema")
	require.NoError(t, err)
	for name := range released {
		overlay.Replace[filepath.Join(sources, "schema", name)] = filepath.Join(here, name)
	}
	text, err := json.Marshal(overlay)
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "overlay.json")
	require.NoError(t, os.WriteFile(file, text, 0o600))
	test := exec.CommandContext(t.Context(), "go", "test", "-overlay="+file, "-count=1", "-timeout=20m", "-skip="+besides, "./internal/postgres")
	test.Dir = sources
	out, err := test.CombinedOutput()
	require.NoError(t, err, "the previous release on this tree's schema:\n%s", out)
}

// besides are tests of the previous release that say nothing of that: how fast
// it is, and what a crowd of callers does to one table for half a minute.
const besides = `Stress|Fuzz`
