package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/google/uuid"
)

// tenant asks the customers' API, as an operator who has a project.
type tenant struct {
	base, key, project string
}

// admit makes the tenant and its endpoint.
func (w *world) admit(ctx context.Context) (err error) {
	org, user := uuid.NewString(), uuid.NewString()
	w.api = &tenant{base: "http://" + w.rig.API() + "/metal/v1", key: "soak-" + uuid.NewString(), project: uuid.NewString()}
	for _, step := range []struct {
		sql  string
		args []any
	}{
		{`insert into organizations (id, name) values ($1, 'soak')`, []any{org}},
		{`insert into projects (id, organization, name) values ($1, $2, 'soak')`, []any{w.api.project, org}},
		{`insert into users (id, email, operator) values ($1, 'soak@example.net', true)`, []any{user}},
		{`insert into memberships (id, "user", organization, roles) values ($1, $2, $3, '{owner}')`, []any{uuid.NewString(), user, org}},
		{`insert into api_keys (id, "user", hash) values ($1, $2, sha256($3))`, []any{uuid.NewString(), user, []byte(w.api.key)}},
	} {
		if _, err := w.sql.Exec(ctx, step.sql, step.args...); err != nil {
			return fmt.Errorf("make the tenant: %w", err)
		}
	}
	if w.hook, err = listen(); err != nil {
		return err
	}
	_, err = w.api.want(ctx, http.StatusCreated, http.MethodPost, "/projects/"+w.api.project+"/webhooks", map[string]any{"url": w.hook.url})
	return err
}

// ask sends one request and reads the answer's object.
func (t *tenant) ask(ctx context.Context, method, path string, body any) (int, map[string]any, error) {
	var raw []byte
	if body != nil {
		var err error
		if raw, err = json.Marshal(body); err != nil {
			return 0, nil, err
		}
	}
	request, err := http.NewRequestWithContext(ctx, method, t.base+path, bytes.NewReader(raw))
	if err != nil {
		return 0, nil, err
	}
	request.Header.Set("X-Auth-Token", t.key)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer answer.Body.Close()
	said, err := io.ReadAll(answer.Body)
	if err != nil || len(said) == 0 {
		return answer.StatusCode, nil, err
	}
	var object map[string]any
	err = json.Unmarshal(said, &object)
	return answer.StatusCode, object, err
}

// want is ask for what must be answered so.
func (t *tenant) want(ctx context.Context, code int, method, path string, body any) (map[string]any, error) {
	got, said, err := t.ask(ctx, method, path, body)
	if err == nil && got != code {
		err = fmt.Errorf("%s %s: %d, want %d: %v", method, path, got, code, said)
	}
	return said, err
}

// patience is for what takes seconds on a machine that has something to do.
const patience = 5 * time.Minute

// until waits for a device's state; gone is "".
func (t *tenant) until(ctx context.Context, device, state string) error {
	limited, stop := context.WithTimeout(ctx, patience)
	defer stop()
	var last any
	for {
		code, said, err := t.ask(limited, http.MethodGet, device, nil)
		if err == nil {
			last = said["state"]
			if code == http.StatusNotFound && state == "" || last == state {
				return nil
			}
			if last == "failed" {
				return fmt.Errorf("%s failed: %v", device, said["provisioning_events"])
			}
		}
		select {
		case <-limited.Done():
			return fmt.Errorf("%s is %v: waited for %q", device, last, state)
		case <-time.After(400 * time.Millisecond):
		}
	}
}
