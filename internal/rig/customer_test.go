package rig_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/rig"
)

// A device is ordered, switched, reinstalled and rescued through the customers'
// API, and ends by itself when its time has come. Every action takes it out of
// its state before it is answered.
func TestADeviceLivesItsLifeThroughTheCustomersAPI(t *testing.T) {
	t.Parallel()
	r := start(t, rig.Config{Limits: patient, Every: 2 * time.Second})
	project := tenant(t, r)
	c := customer{t, r}
	made := c.want(201, "POST", "/projects/"+project+"/devices", `{"plan":"c1.small","operating_system":"debian_12","facility":["lab1"],"hostname":"web1"}`)
	device := "/devices/" + made["id"].(string)
	c.until(device, "active")
	for _, step := range []struct{ act, during, then string }{
		{"power_off", "powering_off", "inactive"},
		{"power_on", "powering_on", "active"},
		{"reinstall", "reinstalling", "active"},
		{"rescue", "powering_on", "active"},
		{"reboot", "powering_on", "active"},
	} {
		before := c.want(200, "GET", device, "")["ip_addresses"]
		c.want(202, "POST", device+"/actions", `{"type":"`+step.act+`"}`)
		state := c.want(200, "GET", device, "")["state"]
		require.Contains(t, []any{step.during, step.then}, state, step.act) // it may be through already
		c.until(device, step.then)
		require.Equal(t, before, c.want(200, "GET", device, "")["ip_addresses"], "a device keeps its addresses")
	}
	c.want(200, "PUT", device, `{"termination_time":"`+time.Now().Add(2*time.Second).UTC().Format(time.RFC3339)+`"}`)
	c.until(device, "")
	clean(t, r)
}

// customer asks the API with a project's key.
type customer struct {
	t *testing.T
	r *rig.Rig
}

func (c customer) do(method, path, body string) (int, map[string]any) {
	c.t.Helper()
	request, err := http.NewRequestWithContext(c.t.Context(), method, "http://"+c.r.API()+"/metal/v1"+path, strings.NewReader(body))
	require.NoError(c.t, err)
	request.Header.Set("X-Auth-Token", tenantKey)
	answer, err := http.DefaultClient.Do(request)
	require.NoError(c.t, err)
	defer answer.Body.Close()
	raw, err := io.ReadAll(answer.Body)
	require.NoError(c.t, err)
	var said map[string]any
	if len(raw) > 0 {
		require.NoError(c.t, json.Unmarshal(raw, &said), "%s", raw)
	}
	return answer.StatusCode, said
}

func (c customer) want(code int, method, path, body string) map[string]any {
	c.t.Helper()
	got, said := c.do(method, path, body)
	require.Equal(c.t, code, got, "%s %s: %v", method, path, said)
	return said
}

// until waits for a device's state; an empty one is a device that is gone.
func (c customer) until(path, state string) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), 2*time.Minute)
	defer cancel()
	var last any
	for ctx.Err() == nil {
		code, said := c.do(http.MethodGet, path, "")
		last = said["state"]
		if code == http.StatusNotFound && state == "" || last == state && state != "" {
			return
		}
		<-time.After(50 * time.Millisecond)
	}
	require.Equal(c.t, state, last, "%s", path)
}
