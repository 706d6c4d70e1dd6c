package access

import (
	"slices"

	"millwright/internal/metal"
)

// Verb is what is done to a thing.
type Verb string

// See changes nothing; a read-only key may do nothing else. Operate is what a
// device's user needs when it hangs: power, rescue, console.
const (
	See     Verb = "see"
	Create  Verb = "create"
	Alter   Verb = "change"
	Operate Verb = "operate"
	Delete  Verb = "delete"
)

// Kind is what something is done to.
type Kind string

// Kinds of things. A thing that only makes sense within another one is of that
// one's kind, unless other roles may have it.
const (
	Catalogue    Kind = "catalogue" // plans, metros, operating systems, capacity
	Self         Kind = "self"      // the caller, its keys, its SSH keys, its invitations
	Person       Kind = "person"    // a user, as members of the same organization see it
	Organization Kind = "organization"
	Project      Kind = "project"
	Member       Kind = "member" // memberships and invitations
	Key          Kind = "key"    // of a project
	SSHKey       Kind = "ssh key"
	Device       Kind = "device"
	Secret       Kind = "secret" // user data, passwords: what should not be read by whoever may look
	Address      Kind = "address"
	BGP          Kind = "bgp"
	Hardware     Kind = "hardware reservation"
	Event        Kind = "event"
	Webhook      Kind = "webhook"
	Usage        Kind = "usage"
	Audit        Kind = "audit"
	Quota        Kind = "quota"
	System       Kind = "system" // users, operators' own things
)

// May reports whether one of the roles that somebody has where a thing is
// allows to do this to it.
func May(roles []metal.MemberRole, verb Verb, kind Kind) bool {
	if slices.Contains(roles, metal.Operator) {
		return true
	}
	for _, allowed := range table[kind][verb] {
		if slices.Contains(roles, allowed) {
			return true
		}
	}
	return false
}

// MayGive reports whether somebody may give others a role, or take it from
// them: nobody makes an owner but owners.
func MayGive(giver []metal.MemberRole, role metal.MemberRole) bool {
	return role != metal.Owner || slices.Contains(giver, metal.Owner) || slices.Contains(giver, metal.Operator)
}
