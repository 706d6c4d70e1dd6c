package rig_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"millwright/internal/lab"
	"millwright/internal/rig"
)

const (
	creates     = 1000
	atOnce      = 16
	tenantKey   = "rig-tenant-key"
	bigSite     = "big"
	plentySite  = 1200 // machines; more than are asked for
	outage      = 30 * time.Second
	settleLimit = 2 * time.Minute
)

// 1,000 devices are ordered, each twice at once under one key, while Temporal
// is away for half a minute and starter is killed and started again. No worker
// runs: the machines are not there, and what is ordered is what counts.
func TestAThousandCreatesGivenTwiceAreAThousandDevices(t *testing.T) {
	t.Parallel()
	r := start(t, rig.Config{Every: time.Hour})
	r.Workers[0].Kill()
	project := tenant(t, r)
	manyMachines(t, r)

	var begun atomic.Int64
	ids := make([][2]string, creates)
	todo := make(chan [2]int)
	var all sync.WaitGroup
	for range atOnce {
		all.Go(func() {
			for one := range todo {
				ids[one[0]][one[1]] = create(t, r, project, fmt.Sprintf("create-%d", one[0]))
				begun.Add(1)
			}
		})
	}
	var troubles sync.WaitGroup
	troubles.Go(func() { disturb(t, r, &begun) })
	for i := range creates {
		todo <- [2]int{i, 0}
		todo <- [2]int{i, 1}
	}
	close(todo)
	all.Wait()
	troubles.Wait()

	distinct := map[string]bool{}
	for i, pair := range ids {
		require.NotEmpty(t, pair[0])
		require.Equal(t, pair[0], pair[1], "create %d made two devices", i)
		distinct[pair[0]] = true
	}
	require.Len(t, distinct, creates)
	require.Equal(t, creates, count(t, r, `select count(*) from devices where project = $1`, project))
	require.Equal(t, creates, count(t, r, `select count(*) from orders o join devices d on d.id = o.device where d.project = $1`, project))
	require.Equal(t, creates, count(t, r, `select count(*) from changes where project = $1 and outcome = 'done'`, project))
}

// disturb takes Temporal away for a while, and kills starter in that time and
// after it.
func disturb(t *testing.T, r *rig.Rig, begun *atomic.Int64) {
	reach := func(n int64) {
		for limit := time.Now().Add(settleLimit); begun.Load() < n && time.Now().Before(limit); {
			<-time.After(10 * time.Millisecond)
		}
	}
	restart := func() {
		r.Starter.Kill()
		if err := r.Starter.Start(t.Context()); err != nil {
			t.Errorf("start starter again: %v", err)
		}
	}
	reach(creates / 4)
	r.Stack.Temporal.Kill()
	back := time.Now().Add(outage)
	restart()
	<-time.After(time.Until(back))
	if err := r.Stack.Temporal.Start(t.Context()); err != nil {
		t.Errorf("start Temporal again: %v", err)
	}
	reach(creates)
	restart()
}

// create orders a device until it is answered, as a careful client does, and
// returns its ID.
func create(t *testing.T, r *rig.Rig, project, key string) string {
	body := `{"plan":"c1.small","operating_system":"debian_12","facility":"` + bigSite + `","no_ssh_keys":true}`
	for limit := time.Now().Add(settleLimit); ; {
		id, err := tryCreate(t.Context(), r, project, key, body)
		if err == nil {
			return id
		}
		if time.Now().After(limit) {
			t.Errorf("create %s: %v", key, err)
			return ""
		}
		<-time.After(20 * time.Millisecond)
	}
}

func tryCreate(ctx context.Context, r *rig.Rig, project, key, body string) (string, error) {
	address := "http://" + r.API() + "/metal/v1/projects/" + project + "/devices"
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(body))
	if err != nil {
		return "", err
	}
	request.Header.Set("X-Auth-Token", tenantKey)
	request.Header.Set("Idempotency-Key", key)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	var said struct {
		ID     string   `json:"id"`
		Errors []string `json:"errors"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&said); err != nil {
		return "", err
	}
	if answer.StatusCode != http.StatusCreated {
		return "", fmt.Errorf("%s: %v", answer.Status, said.Errors)
	}
	return said.ID, nil
}

// tenant makes an organization with a project and a key for it.
func tenant(t *testing.T, r *rig.Rig) (project string) {
	t.Helper()
	org, project := uuid.NewString(), uuid.NewString()
	run(t, r, `insert into organizations (id, name) values ($1, 'acme')`, org)
	run(t, r, `insert into projects (id, organization, name) values ($1, $2, 'acme')`, project, org)
	run(t, r, `insert into api_keys (id, project, hash) values ($1, $2, sha256($3))`, uuid.NewString(), project, []byte(tenantKey))
	return project
}

// manyMachines imports a site whose machines nobody has.
func manyMachines(t *testing.T, r *rig.Rig) {
	t.Helper()
	described, err := lab.Generate(lab.Size{Name: bigSite, Prefix: "b", Machines: plentySite, Net: r.Net%200 + 50})
	require.NoError(t, err)
	other := netip.MustParsePrefix("203.0.113.0/24") // the rig's own site has the lab's
	described.Aggregates[0].Prefix, described.Blocks[1].Prefix = other, other
	_, err = r.Store.ImportSite(t.Context(), described)
	require.NoError(t, err)
}

func run(t *testing.T, r *rig.Rig, sql string, args ...any) {
	t.Helper()
	db, err := pgx.Connect(t.Context(), r.Stack.DSN)
	require.NoError(t, err)
	defer db.Close(context.WithoutCancel(t.Context()))
	_, err = db.Exec(t.Context(), sql, args...)
	require.NoError(t, err)
}

func count(t *testing.T, r *rig.Rig, sql string, args ...any) (n int) {
	t.Helper()
	db, err := pgx.Connect(t.Context(), r.Stack.DSN)
	require.NoError(t, err)
	defer db.Close(context.WithoutCancel(t.Context()))
	require.NoError(t, db.QueryRow(t.Context(), sql, args...).Scan(&n))
	return n
}
