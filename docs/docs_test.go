package docs

import (
	"bufio"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(text)
}

// pages are all pages of ours, by path from this folder.
func pages(t *testing.T) []string {
	t.Helper()
	found := []string{"../README.md", "../CHANGELOG.md"}
	require.NoError(t, filepath.WalkDir(".", func(path string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(path, ".md") {
			found = append(found, path)
		}
		return err
	}))
	return found
}

// constants are a file's string constants, by name.
func constants(t *testing.T, path string) map[string]string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	require.NoError(t, err)
	found := map[string]string{}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if ok && len(spec.Names) == 1 && len(spec.Values) == 1 {
			if value, ok := spec.Values[0].(*ast.BasicLit); ok && value.Kind == token.STRING {
				found[spec.Names[0].Name], _ = strconv.Unquote(value.Value) // what the parser took is quoted well
			}
		}
		return true
	})
	return found
}

func TestEveryErrorTypeHasItsSection(t *testing.T) {
	t.Parallel()
	operations, types := read(t, "operations.md"), 0
	for _, file := range []string{"../activities/errors.go", "../workflows/names.go"} {
		for name, value := range constants(t, file) {
			if name != value { // an error type is named as it is published; steps and queues are not
				continue
			}
			types++
			require.Contains(t, operations, "\n### "+value+"\n")
		}
	}
	require.GreaterOrEqual(t, types, 19, "the error types were not found")
}

func TestEveryStepHasItsRow(t *testing.T) {
	t.Parallel()
	operations, steps := read(t, "operations.md"), 0
	for name, value := range constants(t, "../workflows/names.go") {
		if !strings.HasPrefix(name, "Step") {
			continue
		}
		steps++
		require.Contains(t, operations, "\n| `"+value+"` |")
	}
	require.GreaterOrEqual(t, steps, 15, "the steps were not found")
}

func TestEveryAlertHasItsSection(t *testing.T) {
	t.Parallel()
	operations := read(t, "operations.md")
	rules := read(t, "../deploy/prometheus/rules.yml") + read(t, "../deploy/prometheus/fleet.yml")
	alerts := regexp.MustCompile(`(?m)^\s*- alert: (\w+)$`).FindAllStringSubmatch(rules, -1)
	require.Equal(t, strings.Count(rules, "runbook_url: "), len(alerts), "each alert has its runbook")
	for _, alert := range alerts {
		require.Contains(t, operations, "\n### Alert: "+alert[1]+"\n")
	}
	for _, runbook := range regexp.MustCompile(`docs/operations\.md#([\w-]+)`).FindAllStringSubmatch(rules, -1) {
		require.Contains(t, anchors(operations), runbook[1])
	}
}

var (
	heading = regexp.MustCompile(`(?m)^#+ (.+)$`)
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	dropped = regexp.MustCompile(`[^a-z0-9 _-]`)
)

// anchors are a page's headings as GitHub links to them.
func anchors(page string) []string {
	var found []string
	for _, h := range heading.FindAllStringSubmatch(page, -1) {
		found = append(found, strings.ReplaceAll(dropped.ReplaceAllString(strings.ToLower(h[1]), ""), " ", "-"))
	}
	return found
}

func TestEveryLinkLeadsSomewhere(t *testing.T) {
	t.Parallel()
	for _, page := range pages(t) {
		for _, l := range link.FindAllStringSubmatch(read(t, page), -1) {
			if strings.Contains(l[1], "://") {
				continue
			}
			path, anchor, _ := strings.Cut(l[1], "#")
			target := page
			if path != "" {
				target = filepath.Join(filepath.Dir(page), path)
				_, err := os.Stat(target)
				require.NoError(t, err, "%s links to %s", page, l[1])
			}
			if anchor != "" {
				require.Contains(t, anchors(read(t, target)), anchor, "%s links to %s", page, l[1])
			}
		}
	}
}

var declared = regexp.MustCompile(`(?m)^func (Test\w+)\(`)

func TestEveryTestThatAPageNamesIsThere(t *testing.T) {
	t.Parallel()
	var tests []string
	require.NoError(t, filepath.WalkDir("..", func(path string, _ fs.DirEntry, err error) error {
		if path == "../bin" {
			return filepath.SkipDir // earlier releases lie there, with their tests
		}
		if strings.HasSuffix(path, "_test.go") {
			for _, test := range declared.FindAllStringSubmatch(read(t, path), -1) {
				tests = append(tests, test[1])
			}
		}
		return err
	}))
	named := regexp.MustCompile("`(Test[A-Z]\\w+)`").FindAllStringSubmatch(read(t, "architecture.md"), -1)
	require.NotEmpty(t, named)
	for _, test := range named {
		require.True(t, slices.Contains(tests, test[1]), "%s is named and not there", test[1])
	}
}

func TestEveryOrderThatIsShownCanBeGiven(t *testing.T) {
	t.Parallel()
	shown := regexp.MustCompile("(?s)```json\n(.*?)```").FindAllStringSubmatch(read(t, "operations.md"), -1)
	actions := map[metal.Action]bool{}
	for _, block := range shown {
		// One object over several lines, or one to a line.
		for _, object := range strings.SplitAfter(block[1], "}\n") {
			if object == "" {
				continue
			}
			order, err := metal.ParseOrder("x1", []byte(object))
			require.NoError(t, err, object)
			actions[order.Action] = true
		}
	}
	require.Len(t, actions, 7, "not every action has an example")
}

func TestEveryFleetThatIsShownCanBeOrdered(t *testing.T) {
	t.Parallel()
	shown := regexp.MustCompile("(?s)```json\n(.*?)```").FindAllStringSubmatch(read(t, "fleet.md"), -1)
	require.NotEmpty(t, shown)
	for _, block := range shown {
		_, err := metal.ParseFleet("x1", []byte(block[1]))
		require.NoError(t, err, block[1])
	}
}

// ours are the flags that our programs know, whichever command takes them.
func ours(t *testing.T) []string {
	t.Helper()
	bin := t.TempDir()
	build := exec.Command("go", "build", "-o", bin, "./worker", "./boot", "./starter", "./lab")
	build.Dir = ".."
	out, err := build.CombinedOutput()
	require.NoError(t, err, string(out))
	asked := [][]string{{"worker"}, {"boot"}, {"starter"}, {"lab", "demo"}, {"lab", "rack"}}
	for _, command := range []string{"migrate", "import", "serve", "provision", "reinstall", "deprovision", "power", "rescue", "list", "status", "console",
		"log", "hardware", "certificates", "image import", "image list", "image show", "image remove", "image verify", "os list", "os show", "os verify"} {
		asked = append(asked, append([]string{"starter"}, strings.Fields(command)...))
	}
	for _, command := range []string{"aggregate add", "block add", "block cut", "block list", "rule set", "quota set", "allow", "take", "reserve",
		"deny", "reservations", "who", "held", "history", "use", "map", "report", "import", "export"} {
		asked = append(asked, append([]string{"starter", "ip"}, strings.Fields(command)...))
	}
	for _, command := range []string{"switch list", "switch plan", "switch check", "switch repair", "switch history", "bgp enable", "bgp session", "bgp list", "ip assign", "ip names",
		"user add", "key add", "organization add", "organization member", "project add", "quota set", "access", "hardware-reservation add", "audit", "usage report", "usage check",
		"machine list", "machine issues", "machine commission", "machine retire", "machine maintain", "machine firmware update", "enrol", "ca make", "secrets keep", "login", "device create", "device list", "webhook add", "fleet order", "fleet list", "line",
		"upgrade builds", "upgrade use", "upgrade drain", "upgrade move"} {
		asked = append(asked, append([]string{"starter"}, strings.Fields(command)...))
	}
	var flags []string
	for _, ask := range asked {
		help, err := exec.Command(filepath.Join(bin, ask[0]), append(ask[1:], "--help")...).CombinedOutput()
		require.NoError(t, err, string(help))
		flags = append(flags, flag.FindAllString(string(help), -1)...)
	}
	return flags
}

var flag = regexp.MustCompile(`--[a-z][a-z0-9-]+`)

// foreign are the programs of others whose flags pages show.
var foreign = regexp.MustCompile("\\b(temporal|tctl|git|psql|pg_dump|pg_restore|curl|docker|npm|node|openssl)\\b|^    --|`--open`")

func TestEveryFlagThatAPageNamesIsKnown(t *testing.T) {
	t.Parallel()
	known := ours(t)
	for _, page := range []string{"../README.md", "architecture.md", "operations.md", "operating-systems.md", "rack.md", "machines.md",
		"api.md", "access.md", "sign-in.md", "webhooks.md", "billing.md", "fleet.md", "releasing.md"} {
		lines := bufio.NewScanner(strings.NewReader(read(t, page)))
		for lines.Scan() {
			if foreign.MatchString(lines.Text()) {
				continue
			}
			for _, f := range flag.FindAllString(lines.Text(), -1) {
				require.True(t, slices.Contains(known, f), "%s names %s, which no program of ours takes: %s", page, f, lines.Text())
			}
		}
	}
}
