package metal

import (
	"encoding/json"
	"errors"
	"time"
)

// Sentinels of the API, none of which a retry can mend.
var (
	ErrNotFound = errors.New("not found") // or another tenant's: nobody is told which
	ErrInvalid  = errors.New("invalid")   // a field cannot be what it is
	ErrRepeated = errors.New("this was done before, under the same key")
)

// Identifiers of tenants and what they have; lower-case UUIDs.
type (
	UserID         string
	OrganizationID string
	KeyID          string
	SSHKeyID       string
	MembershipID   string
	InvitationID   string
)

// MemberRole is what somebody may do in an organization or a project; package access
// says what that is.
type MemberRole string

// The roles that members have, and the two that nobody is made a member with.
const (
	Owner               MemberRole = "owner"
	Admin               MemberRole = "admin"
	Collaborator        MemberRole = "collaborator"
	LimitedCollaborator MemberRole = "limited_collaborator"
	Accountant          MemberRole = "billing"
	Operator            MemberRole = "operator"    // of this installation, everywhere
	ProjectKey          MemberRole = "project_key" // a key of a project, in that project
)

// Caller is who asks, as far as a key says it. The zero Caller is nobody.
type Caller struct {
	Key      KeyID
	User     UserID    // empty for a project's key
	Email    string    // the user's
	Project  ProjectID // empty for a user's key
	ReadOnly bool
	Operator bool
	Session  bool // the key was made by a sign-in
}

// Name is how records name a caller.
func (c Caller) Name() string {
	switch {
	case c.User != "":
		return "user/" + string(c.User)
	case c.Project != "":
		return "project-key/" + string(c.Key)
	}
	return ""
}

// Scope is whose something is: an organization's, one of its projects', or a
// user's own. A project that has no row has no organization.
type Scope struct {
	Organization OrganizationID
	Project      ProjectID
	User         UserID
}

// Request is who asks for a change, from where, and how: what the record of
// changes says, and by what a repeat is known.
type Request struct {
	Caller Caller
	Source string // the address that it comes from
	ID     string // X-Request-Id of the answer
	Method string
	Path   string // without the API's base, its query and a final slash
	Scope  Scope
	Code   int    // what the answer will be
	Key    string // the caller's own, from Idempotency-Key; empty where it gave none
	Digest []byte // of method, path and body
}

// Done is what a change did that was asked for before.
type Done struct {
	Code  int
	Thing string // path of what was made; empty where there is nothing to look at
}

// Page is a part of a list.
type Page struct {
	Limit, Offset int
}

// User is a person.
type User struct {
	ID         UserID
	Email      string
	Name       string // given names; or the whole of it, where nobody said which is which
	LastName   string
	CustomData json.RawMessage // an object
	Operator   bool
	Created    time.Time
	Changed    time.Time
	Disabled   time.Time // zero while its keys open something

	SSHKeys int            // how many it has
	Home    OrganizationID // its oldest; empty if it has none
}

// Organization pays for projects.
type Organization struct {
	ID             OrganizationID
	Name           string
	Description    string
	Website        string
	Address        json.RawMessage // an object; empty if nobody gave one
	BillingAddress json.RawMessage // where bills go somewhere else
	CustomData     json.RawMessage // an object
	Created        time.Time
	Changed        time.Time

	Members     []UserID
	Memberships []MembershipID
	Projects    []ProjectID
}

// Project is what devices and addresses are ordered for.
type Project struct {
	ID           ProjectID
	Organization OrganizationID
	Name         string
	CustomData   json.RawMessage // an object
	Tags         []string
	Created      time.Time
	Changed      time.Time

	Members     []UserID       // whoever has a role in it, by itself or by its organization
	Memberships []MembershipID // in it alone
	Invitations []InvitationID // into it, still open
	SSHKeys     []SSHKeyID
}

// ProjectChange is what becomes of a project; nil leaves something as it is.
type ProjectChange struct {
	Name       *string
	CustomData json.RawMessage
	Tags       []string
}

// UserChange is what becomes of a user; nil leaves something as it is.
type UserChange struct {
	Name, LastName *string
	CustomData     json.RawMessage
}
