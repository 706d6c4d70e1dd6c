package api

import (
	"net/http"
	"strings"

	"millwright/internal/access"
	"millwright/internal/metal"
)

// may refuses what the table of access does not allow. Who has no role where a
// thing is learns nothing of it, not even by a read-only key.
func (c *call) may(verb access.Verb, kind access.Kind) error {
	err := c.withAnyKey(verb, kind)
	if err == nil && c.caller.ReadOnly && verb != access.See {
		return refuse(http.StatusForbidden, "the key is read-only; use one that may change things")
	}
	return err
}

// withAnyKey is may for keys that are not read-only. One's own is one's own
// without a look at the table, and so is the catalogue.
func (c *call) withAnyKey(verb access.Verb, kind access.Kind) error {
	switch own := c.scope.User != "" && c.scope.User == c.caller.User; {
	case kind == access.Catalogue || own:
		return nil
	case kind == access.Self && c.scope == (metal.Scope{}):
		return c.aPerson()
	case c.scope == (metal.Scope{}) && kind != access.System:
		return nil // a list of the caller's own, or a body that says where: the handler asks
	case c.scope == metal.Scope{User: c.scope.User} && kind != access.Person && !c.caller.Operator:
		return errNotFound() // somebody else's own: members of one organization see each other, no more
	}
	roles, err := c.server.Store.Roles(c.ctx, c.caller, c.scope)
	switch {
	case err != nil:
		return err
	case len(roles) == 0:
		c.scope = metal.Scope{} // what a stranger tries is not for the owner's record to fill up with
		return errNotFound()
	case !access.May(roles, verb, kind):
		return refuse(http.StatusForbidden, "%s", notYours(roles, verb, kind))
	}
	return nil
}

// aPerson refuses the keys of projects what only people have.
func (c *call) aPerson() error {
	if c.caller.User == "" {
		return refuse(http.StatusForbidden, "this is a user's own, and a project's key is nobody; use a user's key")
	}
	return nil
}

func notYours(roles []metal.MemberRole, verb access.Verb, kind access.Kind) string {
	names := make([]string, len(roles))
	for i, r := range roles {
		names[i] = string(r)
	}
	return "you may not " + string(verb) + " this " + string(kind) + " as " + strings.Join(names, " and ")
}
