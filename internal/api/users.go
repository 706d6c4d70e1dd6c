package api

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"millwright/internal/access"
	"millwright/internal/metal"
)

// Users is what the store knows of people.
type Users interface {
	User(context.Context, metal.UserID) (metal.User, error)
	ChangeUser(context.Context, metal.Request, metal.UserID, metal.UserChange) error
}

func (s *server) userRoutes() []route {
	return []route{
		{http.MethodGet, "/user", access.See, access.Self, http.StatusOK, "Get yourself.", nil, User{}, getSelf},
		{http.MethodPut, "/user", access.Alter, access.Self, http.StatusOK, "Change yourself.", UserInput{}, User{}, changeSelf},
		{http.MethodGet, "/users/{id}", access.See, access.Person, http.StatusOK, "Get a user with whom you share an organization.", nil, User{}, getUser},
	}
}

// User is a person as clients decode it.
type User struct {
	ID                    string          `json:"id"`
	ShortID               string          `json:"short_id"`
	Href                  string          `json:"href"`
	FirstName             string          `json:"first_name"`
	LastName              string          `json:"last_name"`
	FullName              string          `json:"full_name"`
	Email                 string          `json:"email"`
	Emails                []href          `json:"emails"`
	CustomData            json.RawMessage `json:"customdata,omitempty"` // the user's own: nobody else sees it
	DefaultOrganizationID string          `json:"default_organization_id,omitempty"`
	NumberOfSSHKeys       int             `json:"number_of_ssh_keys"`
	Staff                 bool            `json:"staff"` // an operator of this installation
	CreatedAt             *string         `json:"created_at"`
	UpdatedAt             *string         `json:"updated_at"`
}

// UserInput is what users change of themselves. Who they are, their sign-in
// provider says.
type UserInput struct {
	FirstName  *string `json:"first_name,omitempty"`
	LastName   *string `json:"last_name,omitempty"`
	CustomData object  `json:"customdata,omitempty"`
	Password   string  `json:"password,omitempty"`
	Phone      string  `json:"phone_number,omitempty"`
	TimeZone   string  `json:"timezone,omitempty"`
}

func (in UserInput) check() error {
	for field, value := range map[string]string{"password": in.Password, "phone_number": in.Phone, "timezone": in.TimeZone} {
		if value != "" {
			return unprocessable("%s: it is not kept here; leave it out", field)
		}
	}
	for field, value := range map[string]*string{"first_name": in.FirstName, "last_name": in.LastName} {
		if value == nil {
			continue
		}
		if err := checkText(field, *value, maxName); err != nil {
			return err
		}
	}
	return nil
}

func getSelf(c *call) (any, error) { return c.user(c.caller.User) }
func getUser(c *call) (any, error) { return c.user(metal.UserID(c.id())) }

func (c *call) user(id metal.UserID) (any, error) {
	u, err := c.server.Store.User(c.ctx, id)
	if err != nil {
		return nil, err
	}
	wire := userWire(u)
	if id == c.caller.User {
		wire.CustomData, wire.DefaultOrganizationID, wire.NumberOfSSHKeys = objectOf(u.CustomData), string(u.Home), u.SSHKeys
	}
	return wire, nil
}

func changeSelf(c *call) (any, error) {
	var in UserInput
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	to := metal.UserChange{Name: in.FirstName, LastName: in.LastName, CustomData: []byte(in.CustomData)}
	if err := c.server.Store.ChangeUser(c.ctx, c.change(), c.caller.User, to); err != nil {
		return nil, err
	}
	return getSelf(c)
}

// userWire is what members of one organization see of each other.
func userWire(u metal.User) User {
	return User{
		ID: string(u.ID), ShortID: string(u.ID)[:8], Href: link("users", string(u.ID)), FirstName: u.Name, LastName: u.LastName,
		FullName: fullName(u), Email: u.Email, Emails: []href{}, Staff: u.Operator, CreatedAt: stamp(u.Created), UpdatedAt: stamp(u.Changed),
	}
}

// fullName is never empty.
func fullName(u metal.User) string {
	if name := strings.TrimSpace(u.Name + " " + u.LastName); name != "" {
		return name
	}
	return u.Email
}
