package api_test

import "testing"

func TestWhatIsNotThereIsSaidInTheAPIsForm(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.refused(w.do("owner", "GET", "/nothing", nil), 404, "Not found")
	w.refused(w.do("", "GET", "//nothing/", nil), 404, "Not found")
}
