package apiclient_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/internal/apiclient"
)

// serve answers with a handler below the API's base.
func serve(t *testing.T, answer http.HandlerFunc) *apiclient.Client {
	t.Helper()
	server := httptest.NewServer(http.StripPrefix("/metal/v1", answer))
	t.Cleanup(server.Close)
	c, err := apiclient.New(server.URL+"/", "the-key")
	require.NoError(t, err)
	return c
}

func TestARequestThatWasLostIsRepeatedUnderTheSameKey(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var keys []string
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		keys = append(keys, r.Header.Get("Idempotency-Key"))
		require.Equal(t, "the-key", r.Header.Get("X-Auth-Token"))
		if len(keys) < 3 {
			panic(http.ErrAbortHandler) // the connection breaks before an answer
		}
		_, _ = w.Write([]byte(`{"id":"1"}`))
	})
	var made struct{ ID string }
	require.NoError(t, c.Post(t.Context(), "/projects", map[string]string{"name": "a"}, &made))
	require.Equal(t, "1", made.ID)
	require.Len(t, keys, 3)
	require.NotEmpty(t, keys[0])
	require.Equal(t, keys[0], keys[1])
	require.Equal(t, keys[0], keys[2])
}

func TestARefusalIsInTheAPIsWordsAndNotTriedAgain(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"errors":["plan: no plan is called \"x\"","metro: unset"]}`: `plan: no plan is called "x"; metro: unset`,
		`{"error":"Not found"}`: "Not found",
	} {
		asked := 0
		c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			asked++
			w.Header().Set("X-Request-Id", "r1")
			w.WriteHeader(http.StatusUnprocessableEntity)
			_, _ = w.Write([]byte(body))
		})
		err := c.Get(t.Context(), "/x", nil)
		var said apiclient.Refusal
		require.ErrorAs(t, err, &said)
		require.Equal(t, want, err.Error())
		require.Equal(t, http.StatusUnprocessableEntity, said.Code)
		require.Equal(t, "r1", said.Request)
		require.Equal(t, 1, asked)
	}
}

func TestAllPagesOfAListAreRead(t *testing.T) {
	t.Parallel()
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		page := r.URL.Query().Get("page")
		require.Equal(t, "web", r.URL.Query().Get("search"))
		_ = json.NewEncoder(w).Encode(map[string]any{"devices": []string{page}, "meta": map[string]int{"last_page": 3}})
	})
	all, err := c.List(t.Context(), "/devices", "devices", map[string][]string{"search": {"web"}})
	require.NoError(t, err)
	require.Equal(t, []json.RawMessage{[]byte(`"1"`), []byte(`"2"`), []byte(`"3"`)}, all)
}

func TestWhatIsNoAddressOrNoAPIIsSaid(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"", "metal.example.net", "ftp://x", "http://user:secret@host"} {
		_, err := apiclient.New(address, "")
		require.ErrorContains(t, err, "no http:// or https:// URL")
		require.NotContains(t, err.Error(), "secret")
	}
	c := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) })
	var into any
	require.ErrorContains(t, c.Get(t.Context(), "/x", &into), "answers something else than the API")
	html := serve(t, func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "<html>", http.StatusTeapot) })
	require.ErrorContains(t, html.Get(t.Context(), "/x", nil), "418 I'm a teapot")
}
