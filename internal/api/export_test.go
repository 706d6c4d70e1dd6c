package api

import (
	"reflect"
	"slices"

	"millwright/internal/access"
	"millwright/internal/metal"
)

// Route is what tests know of a route.
type Route struct {
	Method, Path string
	Verb         access.Verb
	Kind         access.Kind
	In           any
}

// Routes are all that can be asked.
func Routes() []Route {
	var all []Route
	for _, r := range (&server{}).routes() {
		all = append(all, Route{r.method, r.path, r.verb, r.kind, r.in})
	}
	return all
}

// Read reads a body into a new value like one, and checks it as its handlers
// do; it returns every refusal.
func Read(body []byte, like any) (refused []error) {
	into := reflect.New(reflect.TypeOf(like))
	if err := (&call{body: body}).decode(into.Interface()); err != nil {
		return []error{err}
	}
	switch in := into.Elem().Interface().(type) {
	case interface{ check(bool) error }:
		refused = append(refused, in.check(true), in.check(false))
	case interface{ check() error }:
		refused = append(refused, in.check())
	case InvitationInput:
		_, err := in.read(metal.Scope{})
		refused = append(refused, err)
	}
	if in, ok := into.Elem().Interface().(SSHKeyInput); ok {
		_, _, err := readSSHKey(in.Key)
		refused = append(refused, err)
	}
	return slices.DeleteFunc(refused, func(err error) bool { return err == nil })
}

// Refusal is what a caller is told of an error.
func Refusal(err error) (code int, words []string) {
	said := refusalOf(err)
	return said.code, said.words
}
