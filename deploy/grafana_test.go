package deploy

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// dashboard is what we look at of one of Grafana's.
type dashboard struct {
	file          string
	UID           string
	Title         string
	SchemaVersion int
	Tags          []string
	Links         []struct{ Type string }
	Templating    struct {
		List []struct {
			Name, Type, Definition, AllValue string
			IncludeAll                       bool
			Query                            any // a string, or a query in an object
		}
	}
	Panels []panel
}

type panel struct {
	ID          int
	Type        string
	Title       string
	Description string
	Datasource  struct{ Type, UID string }
	GridPos     struct{ X, Y, W, H int }
	FieldConfig struct{ Defaults struct{ Unit string } }
	Targets     []struct {
		RefID        string
		Expr         string
		LegendFormat string
		Datasource   struct{ Type, UID string }
	}
}

// labelValues is how Grafana asks Prometheus for what a variable may be.
var labelValues = regexp.MustCompile(`^label_values\((\w+), (\w+)\)$`)

func dashboards(t *testing.T) (all []dashboard) {
	t.Helper()
	files, err := filepath.Glob("grafana/dashboards/*.json")
	require.NoError(t, err)
	require.Len(t, files, 3)
	for _, file := range files {
		d := dashboard{file: file}
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(text, &d), file)
		all = append(all, d)
	}
	return all
}

func TestEachDashboardHasOneDataSourceToChoose(t *testing.T) {
	t.Parallel()
	for _, d := range dashboards(t) {
		require.GreaterOrEqual(t, d.SchemaVersion, 41, d.file) // Grafana 12's
		source := d.Templating.List[0]
		require.Equal(t, "datasource", source.Type, d.file)
		require.Equal(t, "prometheus", source.Query, d.file)
		for _, p := range d.Panels {
			if p.Type == "row" {
				continue
			}
			require.Equal(t, "${"+source.Name+"}", p.Datasource.UID, p.Title)
			for _, target := range p.Targets {
				require.Equal(t, p.Datasource, target.Datasource, p.Title)
			}
		}
	}
}

// A panel that asks for a variable that nobody declares asks for its very name.
func TestEachVariableOfADashboardIsDeclaredAndUsed(t *testing.T) {
	t.Parallel()
	for _, d := range dashboards(t) {
		var asked strings.Builder
		for _, p := range d.Panels {
			for _, target := range p.Targets {
				asked.WriteString(target.Expr + "\n")
			}
		}
		declared := map[string]bool{"__rate_interval": true}
		for _, v := range d.Templating.List[1:] {
			declared[v.Name] = true
			require.Contains(t, asked.String(), `=~"$`+v.Name+`"`, d.file)
			require.Regexp(t, labelValues, v.Definition, d.file)
			require.True(t, v.IncludeAll, d.file)
			require.Equal(t, ".*", v.AllValue, "%s: what lacks the label belongs to all", d.file)
		}
		for _, name := range matches(regexp.MustCompile(`\$(\w+)`), asked.String()) {
			require.True(t, declared[name], "%s: $%s", d.file, name)
		}
	}
}

func TestDashboardsAreFoundFromEachOther(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, d := range dashboards(t) {
		require.Empty(t, seen[d.UID], "%s has the UID of another", d.file)
		seen[d.UID] = d.file
		require.Contains(t, d.Tags, "millwright", d.file)
		require.Len(t, d.Links, 1, d.file)
		require.Equal(t, "dashboards", d.Links[0].Type, d.file)
	}
	require.NotEmpty(t, seen["millwright"], "the home of docker-compose.yml")
}

func TestEachPanelSaysWhatItShowsAndStandsAlone(t *testing.T) {
	t.Parallel()
	for _, d := range dashboards(t) {
		standAlone(t, d)
	}
}

func standAlone(t *testing.T, d dashboard) {
	t.Helper()
	type cell struct{ x, y int }
	taken, ids := map[cell]string{}, map[int]string{}
	for _, p := range d.Panels {
		require.Empty(t, ids[p.ID], "%s has the ID of another panel", p.Title)
		ids[p.ID] = p.Title
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			require.Less(t, x, 24, "%s is wider than the grid", p.Title)
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				require.Empty(t, taken[cell{x, y}], "%s covers another panel", p.Title)
				taken[cell{x, y}] = p.Title
			}
		}
		if p.Type != "row" {
			require.Regexp(t, `\.$`, p.Description, p.Title)
			require.NotEmpty(t, p.FieldConfig.Defaults.Unit, p.Title)
			require.NotEmpty(t, p.Targets, p.Title)
		}
	}
}

// The folders are named twice: where compose mounts them, and where Grafana
// looks.
func TestGrafanaFindsItsDataSourceAndItsDashboards(t *testing.T) {
	t.Parallel()
	var source struct {
		Datasources []struct{ Type, URL string }
	}
	var provider struct {
		Providers []struct{ Options struct{ Path string } }
	}
	for file, into := range map[string]any{
		"grafana/provisioning/datasources/prometheus.yml": &source,
		"grafana/provisioning/dashboards/millwright.yml":  &provider,
	} {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		require.NoError(t, yaml.Unmarshal(text, into))
	}
	require.Len(t, source.Datasources, 1)
	require.Equal(t, "http://prometheus:9090", source.Datasources[0].URL)
	require.Contains(t, project(t).Services, "prometheus")
	var mounted []string
	for _, v := range project(t).Services["grafana"].Volumes {
		mounted = append(mounted, v.Target)
	}
	require.Contains(t, mounted, provider.Providers[0].Options.Path)
}
