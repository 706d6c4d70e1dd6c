package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	metalv1 "github.com/equinix/equinix-sdk-go/services/metalv1"
	"github.com/stretchr/testify/require"

	"millwright/internal/bill"
)

// billed is a device of the world's project whose time and traffic are known,
// with a /29 beside it.
func (w *world) billed() string {
	w.t.Helper()
	device := w.active("usage-1")
	w.exec(`update usages set started_at = '2026-10-31 23:00:00+00', ended_at = '2026-11-01 02:00:01+00'`)
	w.exec(`insert into traffic values ($1, '2026-11-01 01:00+00', 12345)`, device)
	w.exec(`insert into reservations (id, project, site, len, family, prefix, state) values ('00000000-0000-4000-8000-000000000004', $1, $2, 29, 4, '198.51.100.8/29', 'created')`, w.project, site)
	w.exec(`update charges set started_at = '2026-11-01 00:00:00+00'`)
	return device
}

func TestABillingSystemReadsAMonthOfAllOrOfSome(t *testing.T) {
	t.Parallel()
	w := setup(t)
	device := w.billed()
	const month = "/usages?month=2026-11"
	all := w.want(http.StatusOK, "operator", http.MethodGet, month, nil)
	require.Equal(t, all.raw, w.want(http.StatusOK, "operator", http.MethodGet, month+"&project="+w.project, nil).raw)
	require.Equal(t, all.raw, w.want(http.StatusOK, "operator", http.MethodGet, month+"&organization="+w.org, nil).raw)
	require.Equal(t, all.raw, w.want(http.StatusOK, "billing", http.MethodGet, "/organizations/"+w.org+month, nil).raw)
	require.Empty(t, w.want(http.StatusOK, "operator", http.MethodGet, month+"&project="+w.otherProject, nil).body["records"])
	require.Empty(t, w.want(http.StatusOK, "stranger", http.MethodGet, "/organizations/"+w.otherOrg+month+"&project="+w.project, nil).body["records"])

	var report bill.Report
	require.NoError(t, json.Unmarshal([]byte(all.raw), &report))
	require.Equal(t, []string{"address", "device", "egress"}, []string{report.Records[0].Kind, report.Records[1].Kind, report.Records[2].Kind})
	used := report.Records[1]
	require.Equal(t, []any{device, w.project, w.org, site, plan, int64(7201), false},
		[]any{used.Thing, used.Project, used.Organization, used.Site, used.Plan, used.Seconds, used.Open})
	require.EqualValues(t, 8, report.Records[0].Count)
	require.EqualValues(t, 12345, report.Records[2].Bytes)

	lines := w.want(http.StatusOK, "operator", http.MethodGet, month+"&format=csv", nil)
	require.Equal(t, "text/csv; charset=utf-8", lines.header.Get("Content-Type"))
	require.Contains(t, lines.raw, used.ID+",device,"+w.org+","+w.project)
}

func TestOnlyWhoPaysReadsUsage(t *testing.T) {
	t.Parallel()
	w := setup(t)
	device := w.billed()
	for _, path := range []string{"/projects/" + w.project + "/usages", "/devices/" + device + "/usages"} {
		for role, code := range map[string]int{"owner": 200, "billing": 200, "collaborator": 200, "project_key": 200, "read_only": 200, "limited_collaborator": 403, "stranger": 404, "loner": 404, "": 401} {
			require.Equal(t, code, w.do(role, http.MethodGet, path, nil).code, "%s as %s", path, role)
		}
	}
	for _, role := range []string{"owner", "billing", "project_key", "stranger"} {
		w.refused(w.do(role, http.MethodGet, "/usages", nil), http.StatusNotFound, "Not found")
	}
	w.refused(w.do("stranger", http.MethodGet, "/organizations/"+w.org+"/usages", nil), http.StatusNotFound, "Not found")
}

func TestPacketsClientsReadUsageInTheirForm(t *testing.T) {
	t.Parallel()
	w := setup(t)
	device := w.billed()
	answer := w.want(http.StatusOK, "owner", http.MethodGet, "/devices/"+device+"/usages?created[after]=2026-11-01&created[before]=2026-11-01T01:30:00Z", nil)
	var list metalv1.DeviceUsageList
	require.NoError(t, json.Unmarshal([]byte(answer.raw), &list))
	require.Equal(t, "1.500000", list.Usages[0].GetQuantity())
	require.NotContains(t, answer.raw, "price")
	var project metalv1.ProjectUsageList
	answer = w.want(http.StatusOK, "owner", http.MethodGet, "/projects/"+w.project+"/usages", nil)
	require.NoError(t, json.Unmarshal([]byte(answer.raw), &project))
	require.Len(t, project.Usages, 3)
	types := map[string]metalv1.ProjectUsage{}
	for _, u := range project.Usages {
		types[u.GetType()] = u
	}
	instance, addresses := types["Instance"], types["IPReservation"]
	require.Equal(t, []string{"3.000278", "hour", plan, site}, []string{instance.GetQuantity(), instance.GetUnit(), instance.GetPlan(), instance.GetFacility()})
	require.Equal(t, "198.51.100.8/29", addresses.GetName())
	bandwidth := types["Bandwidth"]
	require.Equal(t, "12345", bandwidth.GetQuantity())
}

func TestAPeriodThatCannotBeIsRefusedByItsField(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for query, field := range map[string]string{
		"month=Nov": "month:", "month=2026-11&from=2026-11-01": "month:", "from=x": "from:", "to=2026-13-01": "to:",
		"from=2026-11-02&to=2026-11-01": "from:", "format=xml": "format:", "to=2026-11-01T00:00:00.1Z": "to:",
	} {
		w.refused(w.do("operator", http.MethodGet, "/usages?"+query, nil), http.StatusUnprocessableEntity, field)
	}
	w.refused(w.do("owner", http.MethodGet, "/projects/"+w.project+"/usages?created[after]=x", nil), http.StatusUnprocessableEntity, "created[after]:")
}

func TestAMonthThatIsNotOverIsMarked(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.active("usage-open")
	now := time.Now().UTC()
	body := w.want(http.StatusOK, "operator", http.MethodGet, fmt.Sprintf("/usages?from=%s&to=%s", now.AddDate(0, 0, -1).Format(time.DateOnly), now.AddDate(0, 0, 2).Format(time.DateOnly)), nil).body
	require.Equal(t, false, body["final"])
	records, ok := body["records"].([]any)
	require.True(t, ok && len(records) == 1)
	require.Equal(t, true, records[0].(map[string]any)["open"])
}
