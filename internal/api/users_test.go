package api_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestUserSeesAndChangesItself(t *testing.T) {
	t.Parallel()
	w := setup(t)
	self := w.want(200, "admin", "GET", "/user", nil)
	require.Equal(t, w.users["admin"], self.body["id"])
	require.Equal(t, "admin@example.net", self.body["email"])
	require.Equal(t, "admin", self.body["full_name"])
	require.Equal(t, w.org, self.body["default_organization_id"])
	changed := w.want(200, "admin", "PUT", "/user", `{"first_name":"Ada","last_name":"King","customdata":{"desk":7}}`)
	require.Equal(t, "Ada King", changed.body["full_name"])
	require.Equal(t, map[string]any{"desk": 7.0}, changed.body["customdata"])
	require.Equal(t, "Ada King", w.want(200, "admin", "PUT", "/user", `{}`).body["full_name"], "what was not given stays")
	w.refused(w.do("admin", "PUT", "/user", `{"password":"x"}`), 422, "password: it is not kept here")
	w.refused(w.do("project_key", "GET", "/user", nil), 403, "a project's key is nobody")
	w.refused(w.do("read_only", "PUT", "/user", `{}`), 403, "read-only")
	w.refused(w.do("", "GET", "/user", nil), 401, "")
}

func TestUserIsSeenByWhoSharesAnOrganizationWithIt(t *testing.T) {
	t.Parallel()
	w := setup(t)
	at := "/users/" + w.users["limited_collaborator"]
	for _, role := range []string{"owner", "billing", "collaborator", "limited_collaborator", "operator"} {
		require.Equal(t, "limited_collaborator", w.want(200, role, "GET", at, nil).body["full_name"])
	}
	require.NotContains(t, w.want(200, "owner", "GET", at, nil).body, "customdata")
	for _, role := range []string{"stranger", "loner", "project_key"} {
		w.refused(w.do(role, "GET", at, nil), 404, "Not found")
	}
}
