package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"millwright/internal/api"
	"millwright/internal/lab"
	"millwright/internal/metal"
	"millwright/internal/postgres"
	"millwright/internal/stack/pgtest"
)

// world is the API on a database of its own: one site of eight machines, one
// organization with one project, and a member with each role; a second
// organization with a project and an owner, who is a stranger to the first; an
// operator; and somebody who is a member of nothing.
type world struct {
	t                      *testing.T
	store                  *postgres.Store
	sql                    *pgxpool.Pool
	runs                   *fakeRuns
	handler                http.Handler
	url                    string            // ends in /metal/v1
	keys                   map[string]string // by role, and "stranger", "operator", "loner", "project_key", "read_only"
	users                  map[string]string // their IDs
	org, project           string
	otherOrg, otherProject string
}

// site is what the world's one site is called, and plan and system what it has.
const (
	site   = "lab1"
	plan   = "c1.small"
	system = "debian_12"
)

func setup(t *testing.T, change ...func(*api.Config)) *world {
	t.Helper()
	dsn := pgtest.Database(t, postgres.Migrate)
	w := &world{t: t, runs: &fakeRuns{}, keys: map[string]string{}, users: map[string]string{}}
	var err error
	w.store, err = postgres.Open(t.Context(), dsn)
	require.NoError(t, err)
	t.Cleanup(w.store.Close)
	w.sql, err = pgxpool.New(t.Context(), dsn)
	require.NoError(t, err)
	t.Cleanup(w.sql.Close)
	described, err := lab.Generate(lab.Size{Name: site, Machines: 8, Racks: 2, Net: 64})
	require.NoError(t, err)
	_, err = w.store.ImportSite(t.Context(), described)
	require.NoError(t, err)
	w.org, w.project = w.tenant("acme")
	w.otherOrg, w.otherProject = w.tenant("stranger")
	w.people()
	c := api.Config{Store: w.store, Runs: w.runs, Log: slog.New(slog.DiscardHandler)}
	for _, f := range change {
		f(&c)
	}
	w.handler = api.New(c)
	server := httptest.NewServer(w.handler)
	t.Cleanup(server.Close)
	w.url = server.URL + api.Base
	return w
}

func (w *world) exec(sql string, args ...any) {
	w.t.Helper()
	_, err := w.sql.Exec(w.t.Context(), sql, args...)
	require.NoError(w.t, err)
}

// tenant makes an organization with one project.
func (w *world) tenant(name string) (org, project string) {
	org, project = uuid.NewString(), uuid.NewString()
	w.exec(`insert into organizations (id, name) values ($1, $2)`, org, name)
	w.exec(`insert into projects (id, organization, name) values ($1, $2, $3)`, project, org, name)
	return org, project
}

func (w *world) people() {
	for _, role := range []string{"owner", "admin", "collaborator", "limited_collaborator", "billing"} {
		user := w.user(role, false)
		if role == "limited_collaborator" { // who is let into projects one by one
			w.exec(`insert into memberships (id, "user", project, roles) values ($1, $2, $3, $4)`, uuid.NewString(), user, w.project, []string{role})
			continue
		}
		w.exec(`insert into memberships (id, "user", organization, roles) values ($1, $2, $3, $4)`, uuid.NewString(), user, w.org, []string{role})
	}
	w.exec(`insert into memberships (id, "user", organization, roles) values ($1, $2, $3, '{owner}')`, uuid.NewString(), w.user("stranger", false), w.otherOrg)
	w.user("operator", true)
	w.user("loner", false)
	w.keys["project_key"] = w.key(`insert into api_keys (id, project, hash) values ($1, $2, sha256($3))`, w.project)
	w.keys["read_only"] = w.key(`insert into api_keys (id, "user", hash, read_only) values ($1, $2, sha256($3), true)`, w.users["owner"])
}

func (w *world) user(name string, operator bool) string {
	id := uuid.NewString()
	w.exec(`insert into users (id, email, name, operator) values ($1, $2, $3, $4)`, id, name+"@example.net", name, operator)
	w.users[name] = id
	w.keys[name] = w.key(`insert into api_keys (id, "user", hash) values ($1, $2, sha256($3))`, id)
	return id
}

func (w *world) key(insert, of string) string {
	key := "test-key-" + uuid.NewString()
	w.exec(insert, uuid.NewString(), of, []byte(key))
	return key
}

// answer is what came back.
type answer struct {
	code   int
	header http.Header
	body   map[string]any
	raw    string
}

// do asks as somebody with a role; the body is JSON text, a value to be made
// JSON of, or nil. Headers come in pairs.
func (w *world) do(role, method, path string, body any, headers ...string) answer {
	w.t.Helper()
	var reader io.Reader = http.NoBody
	switch b := body.(type) {
	case nil:
	case string:
		reader = strings.NewReader(b)
	default:
		raw, err := json.Marshal(b)
		require.NoError(w.t, err)
		reader = bytes.NewReader(raw)
	}
	request, err := http.NewRequestWithContext(w.t.Context(), method, w.url+path, reader)
	require.NoError(w.t, err)
	if key := w.keys[role]; key != "" {
		request.Header.Set("X-Auth-Token", key)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	reply, err := http.DefaultClient.Do(request)
	require.NoError(w.t, err)
	defer reply.Body.Close()
	raw, err := io.ReadAll(reply.Body)
	require.NoError(w.t, err)
	got := answer{code: reply.StatusCode, header: reply.Header, raw: string(raw)}
	if strings.HasPrefix(reply.Header.Get("Content-Type"), "application/json") && strings.HasPrefix(strings.TrimSpace(got.raw), "{") {
		require.NoError(w.t, json.Unmarshal(raw, &got.body), "%s", raw)
	}
	w.recorded(method, path, got)
	asDescribed(w.t, method, path, got)
	return got
}

// want is do for what has to be answered with a code.
func (w *world) want(code int, role, method, path string, body any, headers ...string) answer {
	w.t.Helper()
	got := w.do(role, method, path, body, headers...)
	require.Equal(w.t, code, got.code, "%s %s as %s: %s", method, path, role, got.raw)
	require.NotEmpty(w.t, got.header.Get("X-Request-Id"))
	return got
}

// refused holds that an answer is an error that names a word, in the API's form.
func (w *world) refused(got answer, code int, word string) {
	w.t.Helper()
	require.Equal(w.t, code, got.code, got.raw)
	errs, ok := got.body["errors"].([]any)
	require.True(w.t, ok && len(errs) > 0, got.raw)
	require.Contains(w.t, errs[0], word)
}

// active makes a device of the project with a machine, addresses and an open
// port, as its run would, and returns its ID.
func (w *world) active(order string) string {
	w.t.Helper()
	input := `{"action":"provision","project":"` + w.project + `","site":"` + site + `","plan":"` + plan + `","operating_system":"` + system + `"}`
	o, err := metal.ParseOrder(metal.OrderID(order), []byte(input))
	require.NoError(w.t, err)
	_, err = w.store.RecordOrder(w.t.Context(), o)
	require.NoError(w.t, err)
	w.installed(order, string(o.Device))
	return string(o.Device)
}

// installed ends a provision well, as its run would.
func (w *world) installed(order, device string) {
	w.t.Helper()
	held, err := w.store.ClaimMachine(w.t.Context(), metal.DeviceID(device), metal.OrderID(order))
	require.NoError(w.t, err)
	_, err = w.store.SetPorts(w.t.Context(), held.Claim, metal.Tenant)
	require.NoError(w.t, err)
	require.NoError(w.t, w.store.ActivateDevice(w.t.Context(), held.Claim, metal.Ending{Order: metal.OrderID(order), State: metal.Active}))
}

// fakeRuns counts what it is asked to start.
type fakeRuns struct {
	mu     sync.Mutex
	away   bool
	orders map[metal.OrderID]int
	asked  []string // whatever else, in words
}

var errAway = errors.New("the runs are away")

func (f *fakeRuns) StartOrder(_ context.Context, order metal.OrderID, _ []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.away {
		return errAway
	}
	if f.orders == nil {
		f.orders = map[metal.OrderID]int{}
	}
	f.orders[order]++
	return nil
}

func (f *fakeRuns) note(what string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.away {
		return errAway
	}
	f.asked = append(f.asked, what)
	return nil
}

func (f *fakeRuns) BringDevice(_ context.Context, device metal.DeviceID) error {
	return f.note("bring " + string(device))
}
