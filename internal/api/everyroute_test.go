package api_test

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/tabwriter"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"millwright/internal/access"
	"millwright/internal/api"
	"millwright/internal/metal"
)

// callers are all sorts of people, and what is no key at all.
var callers = []string{
	"owner", "admin", "collaborator", "limited_collaborator", "billing", "project_key", "read_only", "operator",
	"stranger", "loner", "nobody", "garbage", "revoked",
}

// noun is what a route's path begins with, before the ID that decides.
func noun(r api.Route) string {
	before, _, found := strings.Cut(strings.TrimPrefix(r.Path, "/"), "/{id}")
	if !found {
		return ""
	}
	return before
}

var others = regexp.MustCompile(`\{[a-z]+\}`)

// path names the thing that a route is about; a nil place has none of them.
func (w *world) path(r api.Route, at *place) string {
	w.t.Helper()
	path := r.Path
	if kind := noun(r); kind != "" {
		id := uuid.NewString()
		if at != nil {
			make, known := makers[kind]
			require.True(w.t, known, "%s %s: makers has nothing for %q; the route is tested with nobody", r.Method, r.Path, kind)
			if at.made[kind] == "" {
				at.made[kind] = make(w, at)
			}
			id = at.made[kind]
		}
		path = strings.Replace(path, "{id}", id, 1)
	}
	return others.ReplaceAllStringFunc(path, func(name string) string {
		switch name {
		case "{plan}":
			return plan
		case "{system}":
			return system
		case "{facility}":
			return site
		case "{metro}":
			return metro
		case "{member}":
			if at != nil {
				if at.made[name] == "" {
					at.made[name] = makeMembership(w, at)
				}
				return at.made[name]
			}
		case "{delivery}":
			if at != nil {
				return at.made[name]
			}
		default:
			require.Fail(w.t, "nobody knows what to put for "+name, "%s %s", r.Method, r.Path)
		}
		return uuid.NewString()
	})
}

// rolesAt says, by how the world was made and not by what the store finds, who
// is what where.
func rolesAt(role string, r api.Route, at *place) []metal.MemberRole {
	projects := !slices.Contains([]string{"organizations", "users", "memberships", "invitations"}, noun(r))
	switch {
	case role == "operator":
		return []metal.MemberRole{metal.Operator}
	case at.name == "another's" && role == "stranger":
		return []metal.MemberRole{metal.Owner}
	case at.name == "another's" || role == "stranger" || role == "loner":
		return nil
	case role == "project_key" && projects:
		return []metal.MemberRole{metal.ProjectKey}
	case role == "project_key" || role == "limited_collaborator" && !projects && r.Kind != access.Person:
		return nil
	case role == "read_only":
		return []metal.MemberRole{metal.Owner}
	}
	return []metal.MemberRole{metal.MemberRole(role)}
}

const may = "may"

// expected is what the table says that somebody gets; may is any answer but a
// refusal of who asks.
func expected(role string, r api.Route, at *place) string {
	if role == "nobody" || role == "garbage" || role == "revoked" {
		return "401"
	}
	code := may
	switch {
	case r.Kind == access.Catalogue:
	case noun(r) != "" && at == nil:
		return "404"
	case noun(r) == "" && r.Kind == access.System:
		if role != "operator" {
			return "404"
		}
	case noun(r) == "":
		if role == "project_key" && (r.Kind == access.Self || r.Path == "/organizations" && r.Method == http.MethodPost) {
			code = "403" // what only people have
		}
	default:
		code = expectedAt(rolesAt(role, r, at), r)
	}
	if role == "read_only" && code == may && r.Verb != access.See {
		return "403"
	}
	return code
}

func expectedAt(roles []metal.MemberRole, r api.Route) string {
	switch {
	case len(roles) == 0:
		return "404"
	case r.Path == "/invitations/{id}" && r.Method == http.MethodPut:
		return "403" // none of them was invited
	case !access.May(roles, r.Verb, r.Kind):
		return "403"
	}
	return may
}

// asked sends what a route takes, in a body that no handler can use: whoever
// may gets as far as being told so.
func (w *world) asked(role string, r api.Route, path string) (code string) {
	w.t.Helper()
	var body any
	if r.Method != http.MethodGet && r.Method != http.MethodDelete {
		body = "[]"
	}
	got := w.do(role, r.Method, path, body)
	require.Less(w.t, got.code, 500, "%s %s as %s: %s", r.Method, path, role, got.raw)
	if got.code >= 400 {
		require.NotEmpty(w.t, got.body["errors"], "%s %s as %s: %s", r.Method, path, role, got.raw)
	}
	switch got.code {
	case 401, 403, 404:
		return strconv.Itoa(got.code)
	}
	return may
}

// everything is a hash of all that the database holds, but for what every
// request leaves: the record of refusals, and when a key was used.
func (w *world) everything() map[string]string {
	w.t.Helper()
	rows, err := w.sql.Query(w.t.Context(), `select table_name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'`)
	require.NoError(w.t, err)
	var tables []string
	for rows.Next() {
		var name string
		require.NoError(w.t, rows.Scan(&name))
		tables = append(tables, name)
	}
	require.NoError(w.t, rows.Err())
	all := map[string]string{}
	for _, name := range tables {
		where := ""
		if name == "changes" {
			where = " where outcome = 'done'"
		}
		var hash string
		require.NoError(w.t, w.sql.QueryRow(w.t.Context(),
			`select count(*) || ' ' || coalesce(md5(string_agg((to_jsonb(t) - 'used_at')::text, ',' order by (to_jsonb(t) - 'used_at')::text)), '') from `+name+` t`+where).Scan(&hash))
		all[name] = hash
	}
	return all
}

func TestEveryRouteRefusesEverybodyWhomTheTableDoesNotName(t *testing.T) {
	t.Parallel()
	w := hooked(t)
	w.peering()
	w.keys["garbage"] = "mw_garbage"
	w.keys["revoked"] = w.key(`insert into api_keys (id, "user", hash, revoked_at) values ($1, $2, sha256($3), now())`, w.users["owner"])
	places := w.places()
	for _, r := range api.Routes() {
		for _, at := range places {
			w.path(r, at) // makes what is missing, before anything is counted
		}
	}

	print := &printed{rows: map[string][]string{}}
	before := w.everything()
	w.each(places, func(role string, r api.Route, at *place) {
		if want := expected(role, r, at); want != may {
			path := w.path(r, at)
			got := w.asked(role, r, path)
			require.Equal(t, want, got, "%s %s (%s %s) as %s", r.Method, path, placed(at), r.Kind, role)
			print.note(r, at, role, got)
		}
	})
	require.Equal(t, before, w.everything(), "a refused request changed something")

	w.each(places, func(role string, r api.Route, at *place) {
		if expected(role, r, at) == may {
			path := w.path(r, at)
			require.Equal(t, may, w.asked(role, r, path), "%s %s (%s %s) as %s", r.Method, path, placed(at), r.Kind, role)
			print.note(r, at, role, may)
			if r.Method == http.MethodDelete && at != nil {
				delete(at.made, noun(r)) // it may be gone: the next one gets another
				delete(at.made, "{member}")
			}
		}
	})
	t.Log("\n" + print.table())
}

func (w *world) each(places []*place, do func(role string, r api.Route, at *place)) {
	for _, r := range api.Routes() {
		for _, at := range places {
			if noun(r) == "" && at != places[0] {
				continue // the path names nobody's thing
			}
			for _, role := range callers {
				do(role, r, at)
			}
		}
	}
}

func placed(at *place) string {
	if at == nil {
		return "nobody's"
	}
	return at.name
}

// printed is the table of what everybody got.
type printed struct {
	order []string
	rows  map[string][]string
}

func (p *printed) note(r api.Route, at *place, role, got string) {
	line := r.Method + " " + r.Path + "\t" + placed(at)
	if noun(r) == "" {
		line = r.Method + " " + r.Path + "\t-"
	}
	if p.rows[line] == nil {
		p.order, p.rows[line] = append(p.order, line), make([]string, len(callers))
	}
	p.rows[line][slices.Index(callers, role)] = got
}

func (p *printed) table() string {
	var text strings.Builder
	columns := tabwriter.NewWriter(&text, 0, 0, 1, ' ', 0)
	fmt.Fprintln(columns, "ROUTE\tWHOSE\t"+strings.Join(callers, "\t"))
	for _, line := range p.order {
		fmt.Fprintln(columns, line+"\t"+strings.Join(p.rows[line], "\t"))
	}
	_ = columns.Flush() // into memory
	return text.String()
}

func TestVerbsOfRoutesAreTheirMethods(t *testing.T) {
	t.Parallel()
	looks := []string{"POST /capacity", "POST /capacity/metros"} // questions with a body
	for _, r := range api.Routes() {
		name := r.Method + " " + r.Path
		sees := r.Method == http.MethodGet || slices.Contains(looks, name)
		require.Equal(t, sees, r.Verb == access.See, "%s: a read-only key may see, and nothing else", name)
		require.True(t, r.Kind == access.Catalogue || r.Kind == access.Self || slices.Contains(access.Kinds, r.Kind), "%s: %q is no kind", name, r.Kind)
		require.Contains(t, access.Verbs, r.Verb, name)
		require.False(t, r.Kind == access.Catalogue && noun(r) != "", "%s: the catalogue is everybody's, what has an owner is not", name)
	}
}
