package api_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOrganizationIsMadeSeenChangedAndDeleted(t *testing.T) {
	t.Parallel()
	w := setup(t)
	unset := map[string]any{"address": "", "country": "", "zip_code": ""} // packngo's
	made := w.want(201, "loner", "POST", "/organizations", map[string]any{"name": "Loner Ltd", "website": "https://example.net", "address": unset})
	require.NotContains(t, made.body, "address", "half an address breaks the SDK")
	require.Equal(t, []any{map[string]any{"href": "/metal/v1/users/" + w.users["loner"]}}, made.body["members"])
	at := "/organizations/" + made.body["id"].(string)
	home := map[string]any{"address": "1 Main St", "zip_code": "10001", "country": "US", "city": "New York"}
	for _, method := range []string{"PUT", "PATCH"} {
		changed := w.want(200, "loner", method, at, map[string]any{"address": home, "customdata": map[string]any{"by": method}})
		require.Equal(t, home, changed.body["address"])
		require.Equal(t, "Loner Ltd", changed.body["name"])
		require.Equal(t, "https://example.net", changed.body["website"])
		require.Equal(t, map[string]any{"by": method}, w.want(200, "loner", "GET", at+"/customdata", nil).body)
	}
	require.Equal(t, "", w.want(200, "loner", "PATCH", at, `{"website":"","address":null}`).body["website"])
	require.Equal(t, home, w.want(200, "loner", "GET", at, nil).body["address"])

	project := w.want(201, "loner", "POST", at+"/projects", `{"name":"p"}`).body["id"].(string)
	w.refused(w.do("loner", "DELETE", at, nil), 422, "it still has 1 projects")
	w.want(204, "loner", "DELETE", "/projects/"+project, nil)
	w.want(204, "loner", "DELETE", at, nil)
	w.refused(w.do("loner", "GET", at, nil), 404, "Not found")
	require.Empty(t, ids(w.want(200, "loner", "GET", "/organizations", nil), "organizations"))
}

func TestOrganizationsAreListedToTheirMembers(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for role, want := range map[string][]string{
		"billing": {w.org}, "stranger": {w.otherOrg}, "operator": {w.org, w.otherOrg}, "limited_collaborator": {}, "project_key": {},
	} {
		require.Equal(t, want, ids(w.want(200, role, "GET", "/organizations", nil), "organizations"), role)
	}
	full := w.want(200, "owner", "GET", "/organizations/"+w.org+"?include=projects,members.ssh_keys", nil)
	require.Equal(t, w.project, full.body["projects"].([]any)[0].(map[string]any)["id"])
	require.Equal(t, "owner@example.net", full.body["members"].([]any)[0].(map[string]any)["email"])
	w.refused(w.do("admin", "DELETE", "/organizations/"+w.org, nil), 403, "you may not delete this organization as admin")
}

func TestOrganizationThatCannotBeIsRefusedByField(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for body, want := range map[string]string{
		`{}`:                                     "name: missing",
		`{"name":"x","address":{"city":"Rome"}}`: "address.address: missing",
		`{"name":"x","billing_address":{"address":"a","country":"IT"}}`:                  "billing_address.zip_code: missing",
		`{"name":"x","address":{"address":7}}`:                                           "address.address: a JSON number does not fit",
		`{"name":"x","logo":"aGVsbG8="}`:                                                 "logo: it is not kept here",
		`{"name":"x","enforce_2fa_at":"2030-01-01T00:00:00Z"}`:                           "enforce_2fa_at: ",
		`{"name":"x","address":{"address":"a\u0001","zip_code":"1","country":"Italia"}}`: "address.address: it holds control",
	} {
		w.refused(w.do("loner", "POST", "/organizations", body), 422, want)
	}
	w.refused(w.do("project_key", "POST", "/organizations", `{"name":"x"}`), 403, "a project's key is nobody")
	require.Empty(t, ids(w.want(200, "loner", "GET", "/organizations", nil), "organizations"))
}
