package metal

import "time"

// Membership is what a user may be in an organization and all its projects, or
// in one project.
type Membership struct {
	ID           MembershipID
	User         UserID
	Organization OrganizationID // also that of the project
	Project      ProjectID      // empty: the organization itself
	Roles        []MemberRole
	Created      time.Time
	Changed      time.Time
}

// Invitation asks somebody to become a member. Nothing is sent: who signs in
// with the address finds it.
type Invitation struct {
	ID           InvitationID
	Email        string
	Organization OrganizationID
	Projects     []ProjectID // none: the organization itself
	Roles        []MemberRole
	Message      string
	By           UserID
	Created      time.Time
	Expires      time.Time
}

// OrganizationChange is what becomes of an organization; nil leaves something
// as it is.
type OrganizationChange struct {
	Name, Description, Website *string
	Address, BillingAddress    []byte
	CustomData                 []byte
}
