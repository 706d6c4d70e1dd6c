package api_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/api"
)

// entries of a record, as an API's answer has them.
func entries(got answer) (all []map[string]any) {
	for _, e := range got.body["audit"].([]any) {
		all = append(all, e.(map[string]any))
	}
	return all
}

func TestAnOrganizationReadsWhoAskedForWhatAndWhatCameOfIt(t *testing.T) {
	t.Parallel()
	w := setup(t)
	made := w.want(201, "owner", "POST", "/organizations/"+w.org+"/projects", `{"name":"one"}`, "X-Forwarded-For", "198.51.100.1")
	project := made.body["id"].(string)
	w.refused(w.do("billing", "DELETE", "/projects/"+project, nil), 403, "you may not delete this project as billing")
	w.refused(w.do("stranger", "DELETE", "/projects/"+project, nil), 404, "Not found")
	w.want(204, "admin", "DELETE", "/projects/"+project, nil)

	all := entries(w.want(200, "owner", "GET", "/organizations/"+w.org+"/audit", nil))
	require.Len(t, all, 3, "newest first; what a stranger tries is not theirs to read")
	require.Equal(t, "admin@example.net", all[0]["email"])
	require.Equal(t, "/metal/v1/projects/"+project, all[0]["path"])
	require.Equal(t, "refused", all[1]["outcome"])
	require.Equal(t, "you may not delete this project as billing", all[1]["why"])
	require.EqualValues(t, 403, all[1]["code"])
	require.Equal(t, "user/"+w.users["owner"], all[2]["caller"])
	require.Equal(t, "done", all[2]["outcome"])
	require.Equal(t, "127.0.0.1", all[2]["source"], "nobody says of themselves where they come from")
	require.Equal(t, made.header.Get("X-Request-Id"), all[2]["request_id"])
	require.Equal(t, map[string]any{"href": "/metal/v1/projects/" + project}, all[2]["thing"])
	for _, e := range all {
		at, err := time.Parse(time.RFC3339Nano, e["at"].(string))
		require.NoError(t, err)
		require.WithinDuration(t, time.Now(), at, time.Minute)
	}
	require.Empty(t, entries(w.want(200, "stranger", "GET", "/organizations/"+w.otherOrg+"/audit", nil)))
}

func TestARecordIsSearchedAndPaged(t *testing.T) {
	t.Parallel()
	w := setup(t)
	audit := "/projects/" + w.project + "/audit"
	for range 3 {
		w.want(200, "owner", "PUT", "/projects/"+w.project, `{"name":"x"}`)
	}
	w.want(200, "admin", "PUT", "/projects/"+w.project, `{"name":"y"}`)
	w.do("billing", "PUT", "/projects/"+w.project, `{"name":"z"}`)

	for query, want := range map[string]int{
		"": 5, "caller=" + w.users["admin"]: 1, "caller=user/" + w.users["owner"]: 3, "caller=Owner@example.net": 3, "caller=nobody": 0,
		"outcome=done": 4, "outcome=refused": 1, "until=2020-01-01T00:00:00Z": 0, "since=2020-01-01T00:00:00Z": 5,
		"since=" + url.QueryEscape(time.Now().Add(time.Hour).Format(time.RFC3339)): 0, "per_page=2": 2, "per_page=2&page=3": 1,
	} {
		require.Len(t, entries(w.want(200, "admin", "GET", audit+"?"+query, nil)), want, query)
	}
	m := w.want(200, "admin", "GET", audit+"?per_page=2&page=2", nil).body["meta"].(map[string]any)
	require.EqualValues(t, 5, m["total"])
	require.EqualValues(t, 3, m["last_page"])
	w.refused(w.do("admin", "GET", audit+"?since=yesterday", nil), 422, `since: "yesterday" is no moment`)
	w.refused(w.do("admin", "GET", audit+"?outcome=good", nil), 422, `outcome: "good" is none`)
	w.refused(w.do("collaborator", "GET", audit, nil), 403, "you may not see this audit as collaborator")
	w.refused(w.do("stranger", "GET", audit, nil), 404, "Not found")
}

// A change and its row are one transaction: where the row cannot be written
// nothing is done, and where it cannot be done there is no row that says so.
func TestNoChangeIsDoneWithoutItsRow(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.exec(`create function refuse() returns trigger language plpgsql as $$ begin raise 'the disk is full'; end $$`)
	w.exec(`create trigger refuse before insert on changes for each row when (new.outcome = 'done') execute function refuse()`)
	w.refused(w.do("owner", "POST", "/organizations/"+w.org+"/projects", `{"name":"lost"}`, "Idempotency-Key", "k"), 500, "something is broken here")
	require.Zero(t, w.number(`select count(*) from projects where name = 'lost'`))
	require.Zero(t, w.number(`select count(*) from repeats`))
	require.Equal(t, 1, w.number(`select count(*) from changes where code = 500 and outcome not like '%disk%'`))

	w.exec(`drop trigger refuse on changes`)
	// At the commit, when all of it was written.
	w.exec(`create constraint trigger refuse after insert on projects deferrable initially deferred for each row execute function refuse()`)
	w.refused(w.do("owner", "POST", "/organizations/"+w.org+"/projects", `{"name":"lost"}`, "Idempotency-Key", "k"), 500, "something is broken here")
	require.Zero(t, w.number(`select count(*) from changes where outcome = 'done'`))

	w.exec(`drop trigger refuse on projects`)
	w.want(201, "owner", "POST", "/organizations/"+w.org+"/projects", `{"name":"found"}`, "Idempotency-Key", "k")
}

func (w *world) number(sql string) (n int) {
	w.t.Helper()
	require.NoError(w.t, w.sql.QueryRow(w.t.Context(), sql).Scan(&n))
	return n
}

// Every route that changes something records one row when it refuses.
func TestWhatIsRefusedIsRecordedOnce(t *testing.T) {
	t.Parallel()
	w := setup(t)
	tried := 0
	for _, r := range api.ChangingRoutes() {
		method, path := r[0], strings.ReplaceAll(r[1], "{id}", w.project)
		for strings.Contains(path, "{") {
			from, to := strings.Index(path, "{"), strings.Index(path, "}")
			path = path[:from] + w.project + path[to+1:]
		}
		before := w.changes()
		got := w.do("loner", method, path, `{`)
		require.GreaterOrEqual(t, got.code, 400, "%s %s: %s", method, path, got.raw)
		require.Less(t, got.code, 500, "%s %s: %s", method, path, got.raw)
		require.Equal(t, before+1, w.changes(), "%s %s: %s", method, path, got.raw)
		before = w.changes()
		require.Equal(t, http.StatusUnauthorized, w.do("", method, path, `{}`).code)
		require.Equal(t, before, w.changes())
		tried++
	}
	require.Greater(t, tried, 20)
}

func TestAProjectReadsItsQuotas(t *testing.T) {
	t.Parallel()
	w := setup(t)
	path := "/projects/" + w.project + "/quotas"
	require.Empty(t, w.want(200, "limited_collaborator", "GET", path, nil).body["quotas"])
	w.exec(`insert into quotas (project, resource, most) values ($1, 'devices', 2), ($1, 'devices/c1.small', 1)`, w.project)
	w.active("one")
	require.Equal(t, []any{
		map[string]any{"resource": "devices", "most": 2.0, "used": 1.0},
		map[string]any{"resource": "devices/c1.small", "most": 1.0, "used": 1.0},
	}, w.want(200, "project_key", "GET", path, nil).body["quotas"])
	w.refused(w.do("stranger", "GET", path, nil), 404, "Not found")
}

func TestAQuotaOfDevicesHoldsForOneAndForABatch(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.exec(`insert into quotas (project, resource, most) values ($1, 'devices', 2)`, w.project)
	device := `{"plan":"` + plan + `","operating_system":"` + system + `","facility":["` + site + `"],"hostname":"h"}`
	w.want(201, "collaborator", "POST", "/projects/"+w.project+"/devices", device)
	w.refused(w.do("collaborator", "POST", "/projects/"+w.project+"/devices/batch", `{"batches":[{"quantity":2,"hostnames":["a","b"],`+device[1:]+`]}`), 422, "has 2 of 2 devices and asks for 1 more")
	require.Equal(t, 1, w.number(`select count(*) from devices`), "nothing of a batch that does not fit")
	w.want(201, "collaborator", "POST", "/projects/"+w.project+"/devices", device)
	w.refused(w.do("owner", "POST", "/projects/"+w.project+"/devices", device), 422, "has 2 of 2 devices and asks for 1 more")
	require.Equal(t, 2, w.number(`select count(*) from devices`))
}
