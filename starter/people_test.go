package main

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/internal/access"
	"millwright/internal/metal"
)

var printedID = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)

// done runs a command that has to be done, and returns what it printed.
func (r *rig) done(args ...string) string {
	r.t.Helper()
	code, out, errs := r.cli(args...)
	require.Equal(r.t, exitDone, code, "%v: %s", args, errs)
	return out
}

// notDone runs a command that has to be refused, and returns why it was.
func (r *rig) notDone(exit int, args ...string) string {
	r.t.Helper()
	code, out, errs := r.cli(args...)
	require.Equal(r.t, exit, code, "%v: %s", args, out)
	return errs
}

func TestFirstUserGetsAKeyThatOpens(t *testing.T) {
	t.Parallel()
	r := setup(t)
	require.Contains(t, r.done("user", "add", "Ada@example.net", "--name", "Ada", "--operator"), "next: starter key add --user Ada@example.net")
	require.Contains(t, r.notDone(exitNot, "user", "add", "ada@example.net"), "ada@example.net is a user already")
	require.Contains(t, r.notDone(exitUsage, "user", "add", "ada"), `"ada" is no mail address`)
	require.Regexp(t, `ada@example.net +Ada +true +-`, r.done("user", "list"))

	key := strings.TrimSpace(r.done("key", "add", "--user", "ada@example.net", "--description", "first", "--read-only", "--expires", "1h"))
	caller, err := r.store.Caller(t.Context(), key)
	require.NoError(t, err)
	require.True(t, caller.Operator && caller.ReadOnly)
	listed := r.done("key", "list", "--user", "ADA@example.net")
	require.NotContains(t, listed, key)
	require.Contains(t, listed, string(caller.Key))

	require.Contains(t, r.done("user", "disable", "ada@example.net"), "is disabled")
	_, err = r.store.Caller(t.Context(), key)
	require.ErrorIs(t, err, metal.ErrBadCredentials)
	require.Contains(t, r.done("user", "enable", "ada@example.net"), "is enabled")
	_, err = r.store.Caller(t.Context(), key)
	require.NoError(t, err)

	require.NotContains(t, r.notDone(exitUsage, "key", "revoke", key), key, "what should be an ID may be the key itself")
	require.Contains(t, r.done("key", "revoke", string(caller.Key)), "is revoked")
	_, err = r.store.Caller(t.Context(), key)
	require.ErrorIs(t, err, metal.ErrBadCredentials)
	require.Contains(t, r.notDone(exitNot, "key", "revoke", string(caller.Key)), "opens anything")
	require.NotContains(t, r.done("key", "list"), string(caller.Key))
	require.Contains(t, r.done("key", "list", "--all"), string(caller.Key))
}

func TestProjectThatBillingNamedGetsARowAndAKey(t *testing.T) {
	t.Parallel()
	r := setup(t)
	for _, email := range []string{"ada@example.net", "bob@example.net"} {
		r.done("user", "add", email)
	}
	require.Contains(t, r.notDone(exitNot, "key", "add", "--project", "acme"), "starter project add NAME --organization ID --id acme")
	org := printedID.FindString(r.done("organization", "add", "Example Ltd", "--owner", "ada@example.net"))
	require.Contains(t, r.done("project", "add", "Acme", "--organization", org, "--id", "acme"), "project acme (Acme)")
	require.Contains(t, r.notDone(exitNot, "project", "add", "Acme", "--organization", org, "--id", "acme"), "project: acme is there already, or was")
	require.Contains(t, r.notDone(exitUsage, "project", "add", "X", "--organization", org, "--id", "No Name"), "begins with a letter")
	require.Contains(t, r.notDone(exitNot, "project", "add", "X", "--organization", "nowhere"), "there is no organization nowhere")
	require.Regexp(t, `acme +Acme +`+org+` +1 `, r.done("project", "list"))
	require.Regexp(t, org+` +Example Ltd +1 +1 `, r.done("organization", "list"))

	caller, err := r.store.Caller(t.Context(), strings.TrimSpace(r.done("key", "add", "--project", "acme")))
	require.NoError(t, err)
	require.EqualValues(t, "acme", caller.Project)

	r.done("organization", "member", org, "bob@example.net", "--role", "collaborator,billing")
	r.done("organization", "member", org, "bob@example.net", "--role", "admin", "--project", "acme")
	require.Contains(t, r.done("user", "list"), "Example Ltd: collaborator billing")
	require.Contains(t, r.notDone(exitUsage, "organization", "member", org, "bob@example.net", "--role", "owner", "--project", "acme"), "projects have none")
	require.Contains(t, r.notDone(exitUsage, "organization", "member", org, "bob@example.net", "--role", "king"), "--role")
	require.Contains(t, r.notDone(exitNot, "organization", "member", org, "eve@example.net", "--role", "admin"), "no user has the address eve@example.net")
}

func TestAccessIsPrintedAsTheAPIDecides(t *testing.T) {
	t.Parallel()
	r := setup(t)
	var rows []map[string]any
	require.NoError(t, json.Unmarshal([]byte(r.done("access", "-o", "json")), &rows))
	require.Len(t, rows, len(access.Table()))
	for _, row := range rows {
		roles := []metal.MemberRole{metal.Collaborator}
		require.Equal(t, access.May(roles, access.Verb(row["verb"].(string)), access.Kind(row["kind"].(string))), row["collaborator"], row)
	}
	require.Equal(t, access.Markdown(), r.done("access", "--markdown"))
}
