package api_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"millwright/internal/api"
)

// types are those of an answer's events.
func types(a answer) (all []string) {
	for _, e := range a.body["events"].([]any) {
		all = append(all, e.(map[string]any)["type"].(string))
	}
	return all
}

func TestADevicesEventsAreToldToItsTenantsInWordsOfTheirs(t *testing.T) {
	t.Parallel()
	w := setup(t)
	device := w.active("one")
	for _, path := range []string{"/devices/" + device + "/events", "/projects/" + w.project + "/events", "/organizations/" + w.org + "/events", "/events"} {
		got := w.want(200, "owner", "GET", path, nil)
		require.Equal(t, []string{"instance.active", "provisioning.102", "provisioning.101", "instance.created"}, types(got), path)
		require.EqualValues(t, 4, got.body["meta"].(map[string]any)["total"])
		require.NotContains(t, got.raw, "machine m", "a machine's name")
		require.NotContains(t, got.raw, "tor-r1", "a switch's name")
	}
	first := w.want(200, "owner", "GET", "/devices/"+device+"/events", nil).body["events"].([]any)[0].(map[string]any)
	require.Equal(t, "Device is active", first["body"])
	require.Equal(t, first["body"], first["interpolated"])
	require.Equal(t, []any{
		map[string]any{"href": api.Base + "/devices/" + device},
		map[string]any{"href": api.Base + "/projects/" + w.project},
	}, first["relationships"])
	_, err := time.Parse(time.RFC3339, first["created_at"].(string))
	require.NoError(t, err)
	id := first["id"].(string)
	_, err = uuid.Parse(id)
	require.NoError(t, err)
	require.Equal(t, first, w.want(200, "owner", "GET", "/events/"+id, nil).body)
}

func TestOperatorsReadEveryEventAsItWasWritten(t *testing.T) {
	t.Parallel()
	w := setup(t)
	device := w.active("one")
	w.exec(`insert into events (machine, kind, body) values ((select id from machines limit 1), 'release', 'by hand')`)
	got := w.want(200, "operator", "GET", "/devices/"+device+"/events", nil)
	require.Contains(t, got.raw, "machine m1 claimed, on tor-r1:xe-0/0/0")
	require.NotContains(t, got.raw, "by hand")
	everything := w.want(200, "operator", "GET", "/events", nil)
	require.Equal(t, "by hand", everything.body["events"].([]any)[0].(map[string]any)["body"])
	hidden := everything.body["events"].([]any)[0].(map[string]any)["id"].(string)
	require.Equal(t, "release", w.want(200, "operator", "GET", "/events/"+hidden, nil).body["type"])
	for _, role := range []string{"owner", "stranger", "loner", "project_key"} {
		w.refused(w.do(role, "GET", "/events/"+hidden, nil), 404, "Not found")
	}
}

func TestEventsOfOthersDoNotExist(t *testing.T) {
	t.Parallel()
	w := setup(t)
	device := w.active("one")
	id := w.want(200, "owner", "GET", "/events", nil).body["events"].([]any)[0].(map[string]any)["id"].(string)
	for _, role := range []string{"stranger", "loner"} {
		require.Empty(t, types(w.want(200, role, "GET", "/events", nil)), role)
		for _, path := range []string{"/events/" + id, "/devices/" + device + "/events", "/projects/" + w.project + "/events", "/organizations/" + w.org + "/events"} {
			w.refused(w.do(role, "GET", path, nil), 404, "Not found")
		}
	}
	for _, role := range []string{"project_key", "limited_collaborator", "read_only"} {
		require.Len(t, types(w.want(200, role, "GET", "/events", nil)), 4, role)
	}
	require.Empty(t, types(w.want(200, "billing", "GET", "/events", nil)), "bills say nothing of them")
	w.refused(w.do("owner", "GET", "/events/"+uuid.NewString(), nil), 404, "Not found")

	w.exec(`update projects set deleted_at = now() where id = $1`, w.project)
	require.Empty(t, types(w.want(200, "owner", "GET", "/events", nil)))
	w.refused(w.do("owner", "GET", "/events/"+id, nil), 404, "Not found")
}

func TestEventsAreFilteredAndPaged(t *testing.T) {
	t.Parallel()
	w := setup(t)
	list := "/devices/" + w.active("one") + "/events"
	require.Equal(t, []string{"instance.active", "instance.created"}, types(w.want(200, "owner", "GET", list+"?type=instance.*", nil)))
	require.Equal(t, []string{"provisioning.101", "instance.created"}, types(w.want(200, "owner", "GET", list+"?type=provisioning.101,instance.created", nil)))
	require.Empty(t, types(w.want(200, "owner", "GET", list+"?type=claim", nil)), "an operators' kind")
	require.Empty(t, types(w.want(200, "owner", "GET", list+"?since="+url.QueryEscape(time.Now().Add(time.Hour).Format(time.RFC3339)), nil)))
	second := w.want(200, "owner", "GET", list+"?page=2&per_page=1", nil)
	require.Equal(t, []string{"provisioning.102"}, types(second))
	require.True(t, strings.HasPrefix(second.body["meta"].(map[string]any)["next"].(map[string]any)["href"].(string), list))
	w.refused(w.do("owner", "GET", list+"?type=Instance", nil), 422, "type:")
	w.refused(w.do("owner", "GET", list+"?type=a%25", nil), 422, "type:")
	w.refused(w.do("owner", "GET", list+"?since=yesterday", nil), 422, "since:")
}
