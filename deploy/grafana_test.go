package deploy

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

func TestTheDashboardHasOneDataSourceToChoose(t *testing.T) {
	t.Parallel()
	d := millwright(t)
	require.Equal(t, "millwright", d.UID)
	require.GreaterOrEqual(t, d.SchemaVersion, 41) // Grafana 12's
	require.Len(t, d.Templating.List, 1)
	require.Equal(t, "datasource", d.Templating.List[0].Type)
	require.Equal(t, "prometheus", d.Templating.List[0].Query)
	for _, p := range d.Panels {
		if p.Type == "row" {
			continue
		}
		require.Equal(t, "${"+d.Templating.List[0].Name+"}", p.Datasource.UID, p.Title)
		for _, target := range p.Targets {
			require.Equal(t, p.Datasource, target.Datasource, p.Title)
		}
	}
}

func TestEachPanelSaysWhatItShowsAndStandsAlone(t *testing.T) {
	t.Parallel()
	type cell struct{ x, y int }
	taken, ids := map[cell]string{}, map[int]string{}
	for _, p := range millwright(t).Panels {
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
func TestGrafanaFindsItsDataSourceAndItsDashboard(t *testing.T) {
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
