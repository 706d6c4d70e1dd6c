package api_test

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"

	"millwright/internal/api"
)

// description is the API's own.
var description = sync.OnceValues(readDescription)

// readDescription reads it with a library that we did not write.
func readDescription() (*openapi3.T, error) {
	server := httptest.NewServer(api.New(api.Config{Log: slog.New(slog.DiscardHandler)}))
	defer server.Close()
	reply, err := server.Client().Get(server.URL + api.Base + "/openapi.json")
	if err != nil {
		return nil, err
	}
	defer reply.Body.Close()
	raw, err := io.ReadAll(reply.Body)
	if err != nil {
		return nil, err
	}
	return openapi3.NewLoader().LoadFromData(raw)
}

// strict is the description that knows of no field but its own: clients may be
// sent more one day, but what is sent today has to stand in it. A link may be
// the thing that it leads to.
var strict = sync.OnceValues(func() (*openapi3.T, error) {
	d, err := readDescription()
	if err != nil {
		return nil, err
	}
	none := false
	for name, schema := range d.Components.Schemas {
		if name != "Href" && schema.Value.AdditionalProperties.Schema == nil && schema.Value.Type.Is("object") {
			schema.Value.AdditionalProperties = openapi3.AdditionalProperties{Has: &none}
		}
	}
	return d, nil
})

// operationAt finds what is asked: words of a path come before its parameters.
func operationAt(d *openapi3.T, method, path string) *openapi3.Operation {
	path, _, _ = strings.Cut(path, "?")
	best, fixed := (*openapi3.Operation)(nil), -1
	for template, item := range d.Paths.Map() {
		if n, ok := fits(template, path); ok && n > fixed {
			best, fixed = item.GetOperation(method), n
		}
	}
	return best
}

// fits reports whether a path is one of a template's, and how many of its words
// are the template's own.
func fits(template, path string) (words int, ok bool) {
	a, b := strings.Split(template, "/"), strings.Split(strings.TrimSuffix(path, "/"), "/")
	if len(a) != len(b) {
		return 0, false
	}
	for i := range a {
		switch {
		case a[i] == b[i]:
			words++
		case !strings.HasPrefix(a[i], "{"):
			return 0, false
		}
	}
	return words, true
}

// asDescribed holds that an answer is one that the description promises.
func asDescribed(t *testing.T, method, path string, got answer) {
	t.Helper()
	d, err := strict()
	require.NoError(t, err)
	op := operationAt(d, method, path)
	if op == nil || strings.Contains(path, "exclude=") { // an unknown path; or links in the place of things
		return
	}
	promised := op.Responses.Value(strconv.Itoa(got.code))
	if promised == nil {
		require.GreaterOrEqual(t, got.code, 400, "%s %s answers %d, which its description does not have: %s", method, path, got.code, got.raw)
		promised = op.Responses.Default()
	}
	if len(promised.Value.Content) == 0 {
		require.Empty(t, got.raw, "%s %s: a body that the description does not have", method, path)
		return
	}
	kind, _, _ := strings.Cut(got.header.Get("Content-Type"), ";")
	content := promised.Value.Content[kind]
	require.NotNil(t, content, "%s %s: the description does not have %s", method, path, kind)
	if kind != "application/json" {
		return
	}
	var body any
	require.NoError(t, json.Unmarshal([]byte(got.raw), &body), "%s %s: %s", method, path, got.raw)
	require.NoError(t, content.Schema.Value.VisitJSON(body, openapi3.VisitAsResponse()), "%s %s: %s", method, path, got.raw)
}

func TestTheDescriptionHasEveryRouteAndNothingElse(t *testing.T) {
	t.Parallel()
	d, err := description()
	require.NoError(t, err)
	require.NoError(t, d.Validate(t.Context()))
	var is []string
	want := api.DescribedRoutes()
	for path, item := range d.Paths.Map() {
		for method := range item.Operations() {
			is = append(is, method+" "+path)
		}
	}
	slices.Sort(is)
	slices.Sort(want)
	require.Equal(t, want, is)
	for path, item := range d.Paths.Map() {
		for method, op := range item.Operations() {
			require.NotEmpty(t, op.Summary, "%s %s: say what it does", method, path)
		}
	}
}

func TestTheDescriptionNeedsNoKey(t *testing.T) {
	t.Parallel()
	w := setup(t)
	got := w.want(200, "", "GET", "/openapi.json", nil)
	require.Equal(t, "3.0.3", got.body["openapi"])
	require.NotContains(t, fmt.Sprint(got.body["paths"]), "openapi.json")
}
