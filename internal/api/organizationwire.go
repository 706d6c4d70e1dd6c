package api

import (
	"encoding/json"

	"millwright/internal/metal"
)

// Organization is an organization as clients decode it.
type Organization struct {
	ID             string          `json:"id"`
	Href           string          `json:"href"`
	Name           string          `json:"name"`
	Description    string          `json:"description"`
	Website        string          `json:"website"`
	Address        *PostalAddress  `json:"address,omitempty"`
	BillingAddress *PostalAddress  `json:"billing_address,omitempty"`
	CustomData     json.RawMessage `json:"customdata"`
	Projects       []href          `json:"projects"`
	Members        []href          `json:"members"`
	Memberships    []href          `json:"memberships"`
	CreatedAt      *string         `json:"created_at"`
	UpdatedAt      *string         `json:"updated_at"`
}

// OrganizationList is a page of organizations.
type OrganizationList struct {
	Organizations []Organization `json:"organizations"`
	Meta          meta           `json:"meta"`
}

// PostalAddress is where somebody lives or is billed. The SDK refuses one that
// lacks a street, a code or a country.
type PostalAddress struct {
	Address  string `json:"address"`
	Address2 string `json:"address2,omitempty"`
	City     string `json:"city,omitempty"`
	State    string `json:"state,omitempty"`
	ZipCode  string `json:"zip_code"`
	Country  string `json:"country"`
}

// unset is what packngo sends where nobody gave an address.
func (a *PostalAddress) unset() bool { return a == nil || *a == PostalAddress{} }

func (a *PostalAddress) check(field string) error {
	if a.unset() {
		return nil
	}
	for _, part := range []struct {
		name, value string
		needed      bool
	}{
		{"address", a.Address, true}, {"zip_code", a.ZipCode, true}, {"country", a.Country, true},
		{"address2", a.Address2, false}, {"city", a.City, false}, {"state", a.State, false},
	} {
		if part.needed && part.value == "" {
			return unprocessable("%s.%s: missing; an address has address, zip_code and country", field, part.name)
		}
		if err := checkText(field+"."+part.name, part.value, maxLine); err != nil {
			return err
		}
	}
	return nil
}

// maxLine is the longest line of an address, a description or a URL, in
// characters.
const maxLine = 255

// object is what is kept of an address; nil leaves it as it is.
func (a *PostalAddress) object() []byte {
	if a.unset() {
		return nil
	}
	raw, _ := json.Marshal(a) // a struct of strings
	return raw
}

// OrganizationInput is what an organization is made or changed with.
type OrganizationInput struct {
	Name           *string        `json:"name"`
	Description    *string        `json:"description,omitempty"`
	Website        *string        `json:"website,omitempty"`
	Address        *PostalAddress `json:"address,omitempty"`
	BillingAddress *PostalAddress `json:"billing_address,omitempty"`
	CustomData     object         `json:"customdata,omitempty"`
	Logo           string         `json:"logo,omitempty"`
	Twitter        string         `json:"twitter,omitempty"`
	Enforce2FA     string         `json:"enforce_2fa_at,omitempty"`
}

func (in OrganizationInput) check(fresh bool) error {
	for field, value := range map[string]string{"logo": in.Logo, "twitter": in.Twitter, "enforce_2fa_at": in.Enforce2FA} {
		if value != "" {
			return unprocessable("%s: it is not kept here; leave it out", field)
		}
	}
	if fresh || said(in.Name) != "" {
		if err := checkName("name", said(in.Name)); err != nil {
			return err
		}
	}
	for field, value := range map[string]*string{"description": in.Description, "website": in.Website} {
		if err := checkText(field, said(value), maxLine); err != nil {
			return err
		}
	}
	if err := in.Address.check("address"); err != nil {
		return err
	}
	return in.BillingAddress.check("billing_address")
}

// said is a field's value; empty where it was left out.
func said(value *string) string {
	if value == nil {
		return ""
	}
	return *value
}

func organizationWire(o metal.Organization) Organization {
	return Organization{
		ID: string(o.ID), Href: link("organizations", string(o.ID)), Name: o.Name, Description: o.Description, Website: o.Website,
		Address: addressOf(o.Address), BillingAddress: addressOf(o.BillingAddress), CustomData: objectOf(o.CustomData),
		Projects: hrefs("projects", o.Projects), Members: hrefs("users", o.Members), Memberships: hrefs("memberships", o.Memberships),
		CreatedAt: stamp(o.Created), UpdatedAt: stamp(o.Changed),
	}
}

// addressOf is nil for none: half of one breaks the SDK.
func addressOf(raw json.RawMessage) *PostalAddress {
	var a PostalAddress
	if json.Unmarshal(raw, &a) != nil || a.unset() {
		return nil
	}
	return &a
}
