package api_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAPIKeyIsShownOnceOpensAndIsRevoked(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for list, below := range map[string]string{"/user/api-keys": "/api-keys/", "/projects/" + w.project + "/api-keys": "/user/api-keys/"} {
		made := w.want(201, "admin", "POST", list, `{"description":"ci"}`)
		token := made.body["token"].(string)
		require.Regexp(t, `^mw_[A-Za-z0-9_-]{43}$`, token)
		id := made.body["id"].(string)
		w.keys["new"] = token
		w.want(200, "new", "GET", "/projects/"+w.project, nil)

		got := w.want(200, "admin", "GET", below+id, nil)
		require.NotContains(t, got.raw+w.want(200, "admin", "GET", list, nil).raw, token)
		require.NotNil(t, got.body["last_used_at"])
		require.Contains(t, ids(w.want(200, "admin", "GET", list+"?search=CI", nil), "api_keys"), id)
		var kept int
		require.NoError(t, w.sql.QueryRow(t.Context(), `select count(*) from api_keys k where id = $1 and k::text like '%' || $2 || '%'`, id, token).Scan(&kept))
		require.Zero(t, kept, "only its hash is kept")

		w.refused(w.do("stranger", "DELETE", below+id, nil), 404, "Not found")
		w.want(204, "admin", "DELETE", below+id, nil)
		w.refused(w.do("new", "GET", "/projects/"+w.project, nil), 401, "")
		w.refused(w.do("admin", "GET", below+id, nil), 404, "Not found")
		require.NotContains(t, ids(w.want(200, "admin", "GET", list, nil), "api_keys"), id)
	}
}

func TestReadOnlyKeyChangesNothingAndMakesNoKeys(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.keys["new"] = w.want(201, "owner", "POST", "/user/api-keys", `{"read_only":true}`).body["token"].(string)
	w.want(200, "new", "GET", "/projects", nil)
	for path, body := range map[string]string{"/user/api-keys": `{}`, "/projects": `{"name":"x"}`, "/projects/" + w.project + "/api-keys": `{}`} {
		w.refused(w.do("new", "POST", path, body), 403, "the key is read-only")
	}
}

func TestAPIKeyEndsWhenItWasToldTo(t *testing.T) {
	t.Parallel()
	w := setup(t)
	made := w.want(201, "owner", "POST", "/user/api-keys", `{"expires_at":"2999-01-02T03:04:05Z"}`)
	require.Equal(t, "2999-01-02T03:04:05Z", made.body["expires_at"])
	w.keys["new"] = made.body["token"].(string)
	w.want(200, "new", "GET", "/user", nil)
	w.exec(`update api_keys set expires_at = now() where id = $1`, made.body["id"])
	w.refused(w.do("new", "GET", "/user", nil), 401, "")
	for _, at := range []string{"2001-01-01T00:00:00Z", "tomorrow", "99999-01-01T00:00:00Z"} {
		w.refused(w.do("owner", "POST", "/user/api-keys", `{"expires_at":"`+at+`"}`), 422, "expires_at: ")
	}
	w.refused(w.do("owner", "POST", "/user/api-keys", `{"description":"`+strings.Repeat("x", 256)+`"}`), 422, "description: 256 characters")
}

func TestAPIKeysOfAProjectAreForItsAdmins(t *testing.T) {
	t.Parallel()
	w := setup(t)
	list := "/projects/" + w.project + "/api-keys"
	for _, role := range []string{"collaborator", "limited_collaborator", "billing", "project_key"} {
		w.refused(w.do(role, "GET", list, nil), 403, "you may not see this key")
		w.refused(w.do(role, "POST", list, `{}`), 403, "you may not create this key")
	}
	own := w.want(201, "admin", "POST", "/user/api-keys", `{}`).body["id"].(string)
	w.refused(w.do("owner", "DELETE", "/api-keys/"+own, nil), 404, "Not found")
	w.want(204, "operator", "DELETE", "/api-keys/"+own, nil)
}

func TestTokenOfARepeatedRequestIsNotShownAgain(t *testing.T) {
	t.Parallel()
	w := setup(t)
	first := w.want(201, "owner", "POST", "/user/api-keys", `{}`, "Idempotency-Key", "k")
	again := w.want(201, "owner", "POST", "/user/api-keys", `{}`, "Idempotency-Key", "k")
	require.Equal(t, first.body["id"], again.body["id"])
	require.NotContains(t, again.body, "token")
}
