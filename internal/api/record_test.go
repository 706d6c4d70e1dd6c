package api_test

import (
	"net/http"
	"strings"

	"github.com/stretchr/testify/require"
)

// changes is how long the record is.
func (w *world) changes() (n int) {
	w.t.Helper()
	require.NoError(w.t, w.sql.QueryRow(w.t.Context(), `select count(*) from changes`).Scan(&n))
	return n
}

// recorded holds, of each request that any test makes, that a change which was
// done has exactly one row, and one that was refused at most one: none where
// nobody known asked, or there is nothing that could be asked.
func (w *world) recorded(method, path string, got answer) {
	w.t.Helper()
	rows, err := w.sql.Query(w.t.Context(), `select outcome = 'done' from changes where request = $1`, got.header.Get("X-Request-Id"))
	require.NoError(w.t, err)
	defer rows.Close()
	var done, refused int
	for rows.Next() {
		var was bool
		require.NoError(w.t, rows.Scan(&was))
		if was {
			done++
		} else {
			refused++
		}
	}
	require.NoError(w.t, rows.Err())
	want := 0
	if got.code < 300 && method != http.MethodGet && !looks(path) && got.header.Get("Idempotent-Replayed") == "" {
		want = 1
	}
	require.Equal(w.t, want, done, "rows in the record of %s %s, which was answered with %d", method, path, got.code)
	require.LessOrEqual(w.t, refused, 1, "%s %s", method, path)
	if got.code < 300 || got.code == http.StatusUnauthorized || got.code == http.StatusTooManyRequests || method == http.MethodGet {
		require.Zero(w.t, refused, "%s %s, which was answered with %d", method, path, got.code)
	}
}

// looks names what is asked with POST and changes nothing.
func looks(path string) bool { return strings.HasPrefix(path, "/capacity") }
