package access

import "millwright/internal/metal"

// Groups of roles, so that the table below can be read.
var (
	owners   = []metal.MemberRole{metal.Owner}
	admins   = []metal.MemberRole{metal.Owner, metal.Admin}
	payers   = []metal.MemberRole{metal.Owner, metal.Admin, metal.Accountant}
	builders = []metal.MemberRole{metal.Owner, metal.Admin, metal.Collaborator, metal.ProjectKey}
	users    = []metal.MemberRole{metal.Owner, metal.Admin, metal.Collaborator, metal.ProjectKey, metal.LimitedCollaborator}
	members  = []metal.MemberRole{metal.Owner, metal.Admin, metal.Collaborator, metal.LimitedCollaborator, metal.Accountant}
	all      = []metal.MemberRole{metal.Owner, metal.Admin, metal.Collaborator, metal.ProjectKey, metal.LimitedCollaborator, metal.Accountant}
)

// table is who may do what. Operators may do everything; nobody else may do
// what it does not say. Catalogue and Self are for everybody who has a key, and
// are decided by whose thing it is alone.
var table = map[Kind]map[Verb][]metal.MemberRole{
	Person:       {See: members},
	Organization: {See: members, Alter: admins, Delete: owners},
	Project:      {See: all, Create: admins, Alter: admins, Delete: admins},
	Member:       {See: members, Create: admins, Alter: admins, Delete: admins},
	Key:          {See: admins, Create: admins, Delete: admins},
	SSHKey:       {See: users, Create: builders, Alter: builders, Delete: builders},
	Device:       {See: users, Create: builders, Alter: builders, Operate: users, Delete: builders},
	Secret:       {See: builders},
	Address:      {See: users, Create: builders, Alter: builders, Delete: builders},
	BGP:          {See: users, Create: builders, Alter: builders, Delete: builders},
	Hardware:     {See: users, Alter: admins},
	Event:        {See: users},
	Webhook:      {See: admins, Create: admins, Alter: admins, Operate: admins, Delete: admins},
	Usage:        {See: append(payers[:len(payers):len(payers)], metal.Collaborator, metal.ProjectKey)},
	Audit:        {See: admins},
	Quota:        {See: all},
}
