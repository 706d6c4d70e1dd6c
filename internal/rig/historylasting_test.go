package rig_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
	"millwright/internal/rig"
	"millwright/internal/temporal"
	"millwright/workflows"
)

// dueLater is an endpoint with a message that is due in a while. The rig's
// workers have no key that its secret could be opened with: the delivery ends the
// run.
const dueLater = `
with house as (insert into organizations (id, name) values ('88888888-8888-4888-8888-888888888888', 'Acme') returning id),
tenant as (insert into projects (id, organization, name) select 'acme', id, 'Acme' from house on conflict do nothing),
hook as (insert into webhooks (id, project, url, secret) values ('77777777-7777-4777-8777-777777777777', 'acme', 'https://tenant.example/', 'sealed') returning id)
insert into deliveries (id, webhook, next_at) select 'msg_1', id, now() + interval '5 s' from hook`

// lasting records the runs that other releases will go on with; fleets has one
// more kind.
func lasting(t *testing.T, r *rig.Rig) {
	t.Helper()
	in := workflows.RolloutInput{Site: rig.Site, Plan: "c1.small", Update: workflows.Update{Component: "none", Version: "1"}}
	run, err := r.Client.ExecuteWorkflow(t.Context(), startOptions(workflows.RolloutRun(in.Site, in.Plan)), workflows.Rollout, in)
	require.NoError(t, err)
	require.ErrorContains(t, run.Get(t.Context(), nil), "stopped after 0 machines") // their BMCs know no such firmware
	record(t, r, "rollout", workflows.RolloutRun(in.Site, in.Plan))

	conn, err := pgx.Connect(t.Context(), r.Stack.DSN)
	require.NoError(t, err)
	defer conn.Close(context.Background())
	_, err = conn.Exec(t.Context(), dueLater)
	require.NoError(t, err)
	const hook metal.WebhookID = "77777777-7777-4777-8777-777777777777"
	runs := temporal.Runs{Client: r.Client}
	require.NoError(t, runs.WakeWebhook(t.Context(), hook))
	require.True(t, atStep(t, r, workflows.WebhookRun(hook), workflows.StepPause))
	require.NoError(t, runs.WakeWebhook(t.Context(), hook))
	require.Eventually(t, func() bool {
		open, err := runs.Open(t.Context(), workflows.WebhookRun(hook))
		return err == nil && !open
	}, time.Minute, 100*time.Millisecond)
	record(t, r, "webhook", workflows.WebhookRun(hook))
}
