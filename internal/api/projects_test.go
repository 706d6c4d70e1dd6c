package api_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

func TestProjectIsMadeSeenChangedAndDeleted(t *testing.T) {
	t.Parallel()
	w := setup(t)
	made := w.want(201, "admin", "POST", "/projects", map[string]any{
		"name": "web", "organization_id": w.org, "customdata": `{"cost":1}`, "tags": []string{"a"}, "payment_method_id": uuid.NewString(),
	})
	at := "/projects/" + made.body["id"].(string)
	require.Equal(t, "/metal/v1"+at, made.body["href"])
	require.Equal(t, map[string]any{"href": "/metal/v1/organizations/" + w.org}, made.body["organization"])
	require.Equal(t, map[string]any{"href": "/metal/v1" + at + "/bgp-config"}, made.body["bgp_config"])
	require.Equal(t, false, made.body["backend_transfer_enabled"])
	require.Equal(t, map[string]any{"cost": 1.0}, made.body["customdata"])
	require.Len(t, made.body["members"], 4, "whoever is in the organization; but its limited collaborators")

	for method, name := range map[string]string{"PUT": "shop", "PATCH": "store"} {
		changed := w.want(200, "admin", method, at, map[string]any{"name": name})
		require.Equal(t, name, changed.body["name"])
		require.Equal(t, []any{"a"}, changed.body["tags"], "what was not given stays")
	}
	require.Empty(t, w.want(200, "admin", "PATCH", at, `{"tags":[],"name":"","customdata":{}}`).body["tags"])
	require.Equal(t, w.want(200, "owner", "GET", at, nil).body["customdata"], map[string]any{})

	w.want(204, "owner", "DELETE", at, nil)
	for _, method := range []string{"GET", "PUT", "DELETE"} {
		w.refused(w.do("owner", method, at, nil), 404, "Not found")
	}
}

func TestProjectsAreListedToWhoMaySeeThem(t *testing.T) {
	t.Parallel()
	w := setup(t)
	second := w.want(201, "owner", "POST", "/organizations/"+w.org+"/projects", `{"name":"Second"}`).body["id"].(string)
	for role, want := range map[string][]string{
		"owner": {w.project, second}, "billing": {w.project, second}, "limited_collaborator": {w.project}, "project_key": {w.project},
		"stranger": {w.otherProject}, "loner": {}, "operator": {w.project, w.otherProject, second}, "read_only": {w.project, second},
	} {
		require.Equal(t, want, ids(w.want(200, role, "GET", "/projects", nil), "projects"), role)
	}
	require.Equal(t, []string{second}, ids(w.want(200, "owner", "GET", "/projects?name=second", nil), "projects"))
	require.Empty(t, ids(w.want(200, "owner", "GET", "/projects?name=Secon", nil), "projects"))

	page := w.want(200, "owner", "GET", "/projects?per_page=1&page=2&include=organization", nil)
	require.Equal(t, []string{second}, ids(page, "projects"))
	require.Equal(t, "/projects?include=organization&page=1&per_page=1", page.body["meta"].(map[string]any)["previous"].(map[string]any)["href"])
	require.EqualValues(t, 2, page.body["meta"].(map[string]any)["total"])
	require.Equal(t, []string{w.project, second}, ids(w.want(200, "operator", "GET", "/organizations/"+w.org+"/projects", nil), "projects"))
}

// ids are those of a list's things, in its order.
func ids(a answer, list string) []string {
	all := []string{}
	for _, item := range a.body[list].([]any) {
		all = append(all, item.(map[string]any)["id"].(string))
	}
	return all
}

func TestProjectGoesIntoTheCallersOwnOrganization(t *testing.T) {
	t.Parallel()
	w := setup(t)
	made := w.want(201, "owner", "POST", "/projects", `{"name":"x","organization_id":""}`)
	require.Equal(t, map[string]any{"href": "/metal/v1/organizations/" + w.org}, made.body["organization"])
	w.refused(w.do("collaborator", "POST", "/projects", `{"name":"x"}`), 422, "organization_id: you may make projects in none")
	w.refused(w.do("project_key", "POST", "/projects", `{"name":"x"}`), 403, "a project's key is nobody")
}

func TestWhoIsMemberOfNothingGetsOneOrganizationHoweverManyProjectsComeAtOnce(t *testing.T) {
	t.Parallel()
	w := setup(t)
	answers := make([]answer, 6)
	var all sync.WaitGroup
	for i := range answers {
		all.Go(func() { answers[i] = w.do("loner", "POST", "/projects", `{"name":"first"}`) })
	}
	all.Wait()
	for _, made := range answers {
		require.Equal(t, 201, made.code, made.raw)
		require.Equal(t, answers[0].body["organization"], made.body["organization"])
	}
	home := ids(w.want(200, "loner", "GET", "/organizations", nil), "organizations")
	require.Len(t, home, 1)
	require.Equal(t, "loner Projects", w.want(200, "loner", "GET", "/organizations/"+home[0], nil).body["name"])
}

func TestProjectThatCannotBeIsRefusedByField(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for body, want := range map[string]string{
		`{}`:            "name: missing",
		`{"name":"  "}`: "name: missing",
		`{"name":"` + strings.Repeat("x", 81) + `"}`: "name: 81 characters",
		`{"name":"a\nb"}`:                                     "name: it holds control characters",
		`{"name":7}`:                                          "name: a JSON number does not fit",
		`{"name":"a\u0000"}`:                                  "body: it is no text",
		`{"name":"x","tags":[""]}`:                            "tags: each has",
		`{"name":"x","customdata":"7"}`:                       "customdata: want a JSON object",
		`{"name":"x","customdata":[1]}`:                       "customdata: want a JSON object",
		`{"name":"x","customdata":{"a":1e400000}}`:            "body: ",
		`{"name":"x","type":"vmce"}`:                          "type: ",
		`{"name":"x","backend_transfer_enabled":true}`:        "backend_transfer_enabled: ",
		`{"name":"x","organization_id":"nowhere"}`:            "organization_id: no organization of yours",
		`{"name":"x","organization_id":"` + w.otherOrg + `"}`: "organization_id: no organization of yours",
		`{"name":`: "body: ",
		`[]`:       "body: want a JSON object",
	} {
		w.refused(w.do("owner", "POST", "/projects", body), 422, want)
	}
	require.Len(t, ids(w.want(200, "owner", "GET", "/projects", nil), "projects"), 1, "nothing was made")
	w.refused(w.do("owner", "PATCH", "/projects/"+w.project, `{"name":" "}`), 422, "name: missing")
}

func TestProjectIsNotDeletedWhileSomethingInItIsAlive(t *testing.T) {
	t.Parallel()
	w := setup(t)
	at := "/projects/" + w.project
	device := w.active("o-1")
	w.exec(`insert into reservations (id, project, len, family, state) values ($1, $2, 32, 4, 'pending')`, uuid.NewString(), w.project)
	w.refused(w.do("owner", "DELETE", at, nil), 422, "1 devices, 1 reservations of addresses; delete them first")
	w.exec(`update reservations set state = 'denied', ended_at = now()`)
	w.exec(`update devices set state = 'deprovisioning' where id = $1`, device)
	key := w.want(201, "owner", "POST", at+"/ssh-keys", map[string]any{"label": "l", "key": ed25519}).body["id"].(string)
	w.want(204, "owner", "DELETE", at, nil)

	require.Equal(t, 401, w.do("project_key", "GET", "/projects", nil).code, "its keys open nothing")
	w.refused(w.do("owner", "GET", "/ssh-keys/"+key, nil), 404, "Not found")
	w.refused(w.do("operator", "GET", at, nil), 404, "Not found")
}

func TestDeletedProjectTakesNoOrders(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.want(204, "owner", "DELETE", "/projects/"+w.project, nil)
	require.ErrorContains(t, w.placed("o-1", w.project), "project: "+w.project+" was deleted")
	require.NoError(t, w.placed("o-2", "acme"), "a project that only billing knows takes them")
}

func TestProjectIsMadeOnceHoweverOftenItIsAskedFor(t *testing.T) {
	t.Parallel()
	w := setup(t)
	first := w.want(201, "owner", "POST", "/projects", `{"name":"once"}`, "Idempotency-Key", "k-1")
	again := w.want(201, "owner", "POST", "/projects", `{"name":"once"}`, "Idempotency-Key", "k-1")
	require.Equal(t, first.body, again.body)
	require.Equal(t, "true", again.header.Get("Idempotent-Replayed"))
	w.refused(w.do("owner", "POST", "/projects", `{"name":"other"}`, "Idempotency-Key", "k-1"), 422, "Idempotency-Key")
	require.Len(t, ids(w.want(200, "owner", "GET", "/projects", nil), "projects"), 2)
}
