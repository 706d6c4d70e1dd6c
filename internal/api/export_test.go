package api

import "millwright/internal/access"

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
