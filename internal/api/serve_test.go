package api_test

import (
	"context"
	"testing"

	"millwright/internal/api"
	"millwright/internal/metal"
)

func TestWhatIsNotThereIsSaidInTheAPIsForm(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.refused(w.do("owner", "GET", "/nothing", nil), 404, "Not found")
	w.refused(w.do("", "GET", "//nothing/", nil), 404, "Not found")
}

// nobodys is a store that has things which are nobody's.
type nobodys struct{ api.Store }

func (nobodys) Whereabouts(context.Context, string, string) (metal.Scope, error) {
	return metal.Scope{}, nil
}

func TestWhatIsNobodysIsForOperatorsAlone(t *testing.T) {
	t.Parallel()
	w := setup(t, func(c *api.Config) { c.Store = nobodys{c.Store} })
	device := w.active("one")
	for _, role := range []string{"owner", "project_key", "stranger", "loner"} {
		w.refused(w.do(role, "GET", "/devices/"+device, nil), 404, "Not found")
	}
	w.want(200, "operator", "GET", "/devices/"+device, nil)
}
