package api_test

import (
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

// membership is that of somebody in the world's organization, or project.
func (w *world) membership(role string) string {
	w.t.Helper()
	var id string
	require.NoError(w.t, w.sql.QueryRow(w.t.Context(), `select id from memberships where "user" = $1`, w.users[role]).Scan(&id))
	return "/memberships/" + id
}

func TestInvitedUserAcceptsAndSeesTheProject(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for _, into := range []string{"/projects/" + w.project, "/organizations/" + w.otherOrg} {
		as := "admin"
		if into[1] == 'o' {
			as = "stranger"
		}
		made := w.want(201, as, "POST", into+"/invitations", `{"invitee":"Loner@Example.net","roles":["limited_collaborator","billing"],"message":"come\nin"}`)
		require.Equal(t, "loner@example.net", made.body["invitee"])
		at := "/invitations/" + made.body["id"].(string)
		require.Equal(t, []string{made.body["id"].(string)}, ids(w.want(200, as, "GET", into+"/invitations", nil), "invitations"))
		require.Equal(t, []string{made.body["id"].(string)}, ids(w.want(200, "loner", "GET", "/invitations", nil), "invitations"))
		w.refused(w.do(as, "POST", into+"/invitations", `{"invitee":"loner@example.net"}`), 422, "invitee: loner@example.net was invited already")
		w.refused(w.do("loner", "GET", into, nil), 404, "Not found")
		w.refused(w.do(as, "PUT", at, nil), 403, "")
		w.refused(w.do("operator", "PUT", at, nil), 403, "only who was invited")
		member := w.want(200, "loner", "PUT", at, nil)
		require.Equal(t, []any{"billing", "limited_collaborator"}, member.body["roles"])
		w.want(200, "loner", "GET", into, nil)
		w.want(200, "loner", "GET", "/memberships/"+member.body["id"].(string), nil)
		for _, role := range []string{"loner", as} {
			w.refused(w.do(role, "GET", at, nil), 404, "Not found")
		}
		w.want(204, "loner", "DELETE", "/memberships/"+member.body["id"].(string), nil)
		w.refused(w.do("loner", "GET", into, nil), 404, "Not found")
	}
}

func TestInvitationIsDeclinedOrWithdrawn(t *testing.T) {
	t.Parallel()
	w := setup(t)
	list := "/organizations/" + w.org + "/invitations"
	for role, outcome := range map[string]string{"loner": "declined", "owner": "withdrawn"} {
		made := w.want(201, "owner", "POST", list, map[string]any{"invitee": "loner@example.net", "projects_ids": []string{w.project}})
		require.Equal(t, []any{"collaborator"}, made.body["roles"])
		at := "/invitations/" + made.body["id"].(string)
		w.refused(w.do("stranger", "DELETE", at, nil), 404, "Not found")
		w.refused(w.do("collaborator", "DELETE", at, nil), 403, "you may not delete")
		w.want(204, role, "DELETE", at, nil)
		var got string
		require.NoError(t, w.sql.QueryRow(t.Context(), `select outcome from invitations where id = $1`, made.body["id"]).Scan(&got))
		require.Equal(t, outcome, got)
		w.refused(w.do("loner", "PUT", at, nil), 404, "Not found")
	}
}

func TestInvitationThatCannotBeIsRefusedByField(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for body, want := range map[string]string{
		`{}`:                                  "invitee: \"\" is no mail address",
		`{"invitee":"Ada <ada@example.net>"}`: "invitee: ",
		`{"invitee":"a@example.net","roles":["owner"]}`:                         "roles: nobody is invited as an owner",
		`{"invitee":"a@example.net","roles":["king"]}`:                          `roles: "king" is no role`,
		`{"invitee":"a@example.net","roles":"admin"}`:                           "roles: a JSON string does not fit",
		`{"invitee":"a@example.net","projects_ids":["` + w.otherProject + `"]}`: "projects_ids: not of this organization",
		`{"invitee":"a@example.net","organization_id":"` + w.otherOrg + `"}`:    "organization_id: ",
		`{"invitee":"a@example.net","message":"a\u0007"}`:                       "message: it holds control characters",
	} {
		w.refused(w.do("admin", "POST", "/organizations/"+w.org+"/invitations", body), 422, want)
	}
	w.refused(w.do("project_key", "POST", "/projects/"+w.project+"/invitations", `{"invitee":"a@example.net"}`), 403, "")
	w.refused(w.do("collaborator", "POST", "/projects/"+w.project+"/invitations", `{"invitee":"a@example.net"}`), 403, "you may not create this member")
}

func TestNobodyRisesAboveWhoTheyAre(t *testing.T) {
	t.Parallel()
	w := setup(t)
	billing, admin, owner := w.membership("billing"), w.membership("admin"), w.membership("owner")
	w.refused(w.do("billing", "PUT", billing, `{"role":["admin"]}`), 403, "you may not change this member as billing")
	w.refused(w.do("admin", "PUT", admin, `{"role":["owner"]}`), 403, "role: owner is for owners")
	w.refused(w.do("admin", "PUT", owner, `{"role":["admin"]}`), 403, "role: owner is for owners")
	w.refused(w.do("admin", "DELETE", owner, nil), 403, "role: owner is for owners")
	w.refused(w.do("stranger", "DELETE", billing, nil), 404, "Not found")
	w.refused(w.do("collaborator", "DELETE", billing, nil), 403, "you may not delete")
	w.refused(w.do("owner", "PUT", w.membership("limited_collaborator"), `{"role":["owner"]}`), 422, "projects have none")
	for body, want := range map[string]string{`{}`: "role: missing", `{"role":["x"]}`: `role: "x" is no role`, `{"role":[]}`: "role: missing"} {
		w.refused(w.do("owner", "PUT", billing, body), 422, want)
	}
	require.Equal(t, []any{"admin"}, w.want(200, "admin", "PUT", billing, `{"role":["admin"]}`).body["roles"])
	w.want(200, "billing", "PATCH", "/projects/"+w.project, `{"name":"mine"}`)
	w.want(204, "billing", "DELETE", billing, nil)
	w.refused(w.do("billing", "GET", "/projects/"+w.project, nil), 404, "Not found")
	w.want(200, "owner", "PUT", admin, `{"role":["owner"]}`)
	w.want(204, "admin", "DELETE", owner, nil)
}

func TestLastOwnerStaysHoweverManyLeaveAtOnce(t *testing.T) {
	t.Parallel()
	w := setup(t)
	owner := w.membership("owner")
	w.refused(w.do("owner", "DELETE", owner, nil), 422, "role: the organization would have no owner")
	w.refused(w.do("operator", "PUT", owner, `{"role":["admin"]}`), 422, "role: the organization would have no owner")
	for range 8 {
		w.exec(`delete from memberships where organization = $1 and roles = '{owner}'`, w.org)
		for _, role := range []string{"owner", "admin"} {
			w.exec(`delete from memberships where "user" = $1`, w.users[role])
			w.exec(`insert into memberships (id, "user", organization, roles) values ($1, $2, $3, '{owner}')`, uuid.NewString(), w.users[role], w.org)
		}
		paths := []string{w.membership("owner"), w.membership("admin")}
		codes := make([]int, 2)
		var both sync.WaitGroup
		for i, role := range []string{"owner", "admin"} {
			both.Go(func() { codes[i] = w.do(role, "DELETE", paths[i], nil).code })
		}
		both.Wait()
		require.ElementsMatch(t, []int{204, 422}, codes)
	}
}

func TestMembersAreListedAndSentAway(t *testing.T) {
	t.Parallel()
	w := setup(t)
	members := "/organizations/" + w.org + "/members"
	all := w.want(200, "collaborator", "GET", members+"?include=user", nil)
	require.Len(t, all.body["members"], 4)
	require.Equal(t, "owner@example.net", all.body["members"].([]any)[0].(map[string]any)["user"].(map[string]any)["email"])
	require.Len(t, w.want(200, "owner", "GET", members+"?search=BILL", nil).body["members"], 1)
	require.Len(t, ids(w.want(200, "owner", "GET", "/projects/"+w.project+"/memberships", nil), "memberships"), 1)
	stranger := ids(w.want(200, "stranger", "GET", "/organizations/"+w.otherOrg+"/members", nil), "members")[0]
	w.refused(w.do("owner", "DELETE", members+"/"+stranger, nil), 404, "Not found")
	w.want(204, "owner", "DELETE", members+"/"+w.membership("billing")[len("/memberships/"):], nil)
	require.Len(t, w.want(200, "owner", "GET", members, nil).body["members"], 3)
}
