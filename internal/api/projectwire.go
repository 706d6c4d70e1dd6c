package api

import (
	"encoding/json"

	"millwright/internal/metal"
)

// Project is a project as clients decode it. Terraform's provider panics where
// backend_transfer_enabled or organization.href is missing.
type Project struct {
	ID                     string          `json:"id"`
	Href                   string          `json:"href"`
	Name                   string          `json:"name"`
	Type                   string          `json:"type"` // "default"; the API's only other one is none of ours
	Tags                   []string        `json:"tags"`
	CustomData             json.RawMessage `json:"customdata"`
	BackendTransferEnabled bool            `json:"backend_transfer_enabled"`
	Organization           href            `json:"organization"`
	BGPConfig              href            `json:"bgp_config"`
	Members                []href          `json:"members"`
	Memberships            []href          `json:"memberships"`
	Invitations            []href          `json:"invitations"`
	SSHKeys                []href          `json:"ssh_keys"`
	NetworkStatus          struct{}        `json:"network_status"`
	CreatedAt              *string         `json:"created_at"`
	UpdatedAt              *string         `json:"updated_at"`
}

// ProjectList is a page of projects.
type ProjectList struct {
	Projects []Project `json:"projects"`
	Meta     meta      `json:"meta"`
}

// ProjectInput is what a project is made or changed with. Payment is the
// billing system's: which method pays is taken, and left alone.
type ProjectInput struct {
	Name                   *string  `json:"name"`
	OrganizationID         string   `json:"organization_id,omitempty"`
	PaymentMethodID        string   `json:"payment_method_id,omitempty"`
	Type                   string   `json:"type,omitempty"`
	Tags                   []string `json:"tags,omitempty"`
	CustomData             object   `json:"customdata,omitempty"`
	BackendTransferEnabled bool     `json:"backend_transfer_enabled,omitempty"`
}

func (in ProjectInput) check(fresh bool) error {
	switch {
	case in.Type != "" && in.Type != "default":
		return unprocessable(`type: %q is not to be had here; leave it out, or say "default"`, in.Type)
	case in.BackendTransferEnabled:
		return unprocessable("backend_transfer_enabled: the private networks of sites are not joined here; leave it false")
	}
	if fresh && in.Name == nil {
		return checkName("name", "")
	}
	if in.Name != nil && (fresh || *in.Name != "") {
		if err := checkName("name", *in.Name); err != nil {
			return err
		}
	}
	return checkTags(in.Tags)
}

func projectWire(p metal.Project) Project {
	at := link("projects", string(p.ID))
	return Project{
		ID: string(p.ID), Href: at, Name: p.Name, Type: "default", Tags: listed(p.Tags), CustomData: objectOf(p.CustomData),
		Organization: href{link("organizations", string(p.Organization))}, BGPConfig: href{at + "/bgp-config"},
		Members: hrefs("users", p.Members), Memberships: hrefs("memberships", p.Memberships),
		Invitations: hrefs("invitations", p.Invitations), SSHKeys: hrefs("ssh-keys", p.SSHKeys),
		CreatedAt: stamp(p.Created), UpdatedAt: stamp(p.Changed),
	}
}

// hrefs are links to things of one kind; never null.
func hrefs[ID ~string](noun string, ids []ID) []href {
	all := make([]href, len(ids))
	for i, id := range ids {
		all[i] = href{link(noun, string(id))}
	}
	return all
}

// listed is a list that is never null.
func listed[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
