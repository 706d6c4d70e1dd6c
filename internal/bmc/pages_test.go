package bmc

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// visitTo is a visit of a BMC that answers GETs from a table.
func visitTo(t *testing.T, answers map[string]string) (v *visit, asked *[]string) {
	t.Helper()
	asked = &[]string{}
	w, _ := wireTo(t, func(w http.ResponseWriter, r *http.Request) {
		*asked = append(*asked, r.URL.RequestURI())
		answer, ok := answers[r.URL.RequestURI()]
		if !ok {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		fmt.Fprint(w, answer)
	})
	return &visit{redfishSession: &redfishSession{wire: w}}, asked
}

func idsOf(t *testing.T, v *visit, path string) (ids []string) {
	t.Helper()
	list, err := members[struct{ ID word }](t.Context(), v, path, 1)
	require.NoError(t, err)
	for _, one := range list {
		ids = append(ids, string(one.ID))
	}
	return ids
}

func TestPagesAreFollowedToTheirEnd(t *testing.T) {
	t.Parallel()
	v, _ := visitTo(t, map[string]string{
		"/c":         `{"Members@odata.count":3,"Members":[{"Id":"1","Name":"x"},{"Id":"2","Name":"x"}],"Members@odata.nextLink":"/c?$skip=2"}`,
		"/c?$skip=2": `{"Members@odata.count":3,"Members":[{"@odata.id":"/c/3"}]}`,
		"/c/3":       `{"Id":3,"Name":"x"}`,
	})
	require.Equal(t, []string{"1", "2", "3"}, idsOf(t, v, "/c"))
}

func TestPagesThatNeverEndDoEnd(t *testing.T) {
	t.Parallel()
	v, asked := visitTo(t, map[string]string{
		"/same": `{"Members@odata.count":99,"Members":[{"Id":"1","Name":"x"}],"Members@odata.nextLink":"/same"}`,
		"/a":    `{"Members@odata.count":9999,"Members":[{"Id":"1","Name":"x"}],"@odata.nextLink":"/b"}`,
		"/b":    `{"Members@odata.count":9999,"Members":[{"Id":"2","Name":"x"}],"@odata.nextLink":"/a"}`,
	})
	require.Equal(t, []string{"1"}, idsOf(t, v, "/same"))
	require.Len(t, idsOf(t, v, "/a"), pageLimit)
	require.Len(t, *asked, 1+pageLimit)
}

func TestABMCThatRefusesToExpandIsAskedPlainly(t *testing.T) {
	t.Parallel()
	v, asked := visitTo(t, map[string]string{"/c": `{"Members":[{"Id":"1","Name":"x"}]}`})
	require.NoError(t, json.Unmarshal([]byte(`{"ProtocolFeaturesSupported":{"ExpandQuery":{"NoLinks":true}}}`), &v.root))
	require.Equal(t, []string{"1"}, idsOf(t, v, "/c"))
	require.Equal(t, []string{"/c?$expand=.", "/c"}, *asked)
}

func TestAPathThatABMCNamesLeadsNowhereElse(t *testing.T) {
	t.Parallel()
	v, asked := visitTo(t, nil)
	var into any
	for _, path := range []string{"@elsewhere.example/x", ".elsewhere.example/", "", "http://elsewhere.example/", "/\x00"} {
		require.Error(t, v.get(t.Context(), path, &into), path)
	}
	require.Empty(t, *asked)
}
