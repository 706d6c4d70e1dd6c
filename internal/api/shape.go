package api

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"millwright/internal/metal"
)

// most is how many links one answer follows: a list of a thousand devices with
// their project needs one.
const mostLinks = 2000

// shape does what include and exclude ask for: it puts the thing in the place
// of a link to it, or the link in the place of the thing. Names that lead
// nowhere are left alone.
func (s *server) shape(c *call, body any) (any, error) {
	include, exclude := names(c, "include"), names(c, "exclude")
	if len(include)+len(exclude) == 0 {
		return body, nil
	}
	raw, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	var tree any
	if err := json.Unmarshal(raw, &tree); err != nil {
		return nil, err
	}
	f := &follower{server: s, call: c, seen: map[string]any{}}
	for _, path := range include {
		if tree, err = f.walk(tree, path, f.expand); err != nil {
			return nil, err
		}
	}
	for _, path := range exclude {
		if tree, err = f.walk(tree, path, shrink); err != nil {
			return nil, err
		}
	}
	return tree, nil
}

// names are comma-separated, and dots lead deeper.
func names(c *call, parameter string) (all [][]string) {
	for _, value := range c.request.URL.Query()[parameter] {
		for name := range strings.SplitSeq(value, ",") {
			if name = strings.TrimSpace(name); name != "" && strings.Count(name, ".") < 3 {
				all = append(all, strings.Split(name, "."))
			}
		}
	}
	return all
}

// follower follows each link once.
type follower struct {
	server *server
	call   *call
	seen   map[string]any
}

// walk changes whatever a path of names leads to: in a list, in each of it; in
// an answer that is a list with its meta, in the list.
func (f *follower) walk(node any, path []string, change func(any) (any, error)) (any, error) {
	switch n := node.(type) {
	case []any:
		for i := range n {
			var err error
			if n[i], err = f.walk(n[i], path, change); err != nil {
				return nil, err
			}
		}
		return n, nil
	case map[string]any:
		return n, f.into(n, path, change)
	}
	return node, nil
}

func (f *follower) into(n map[string]any, path []string, change func(any) (any, error)) error {
	child, has := n[path[0]]
	if !has {
		for _, list := range n { // {"devices": […], "meta": …}
			if items, ok := list.([]any); ok {
				if _, err := f.walk(items, path, change); err != nil {
					return err
				}
			}
		}
		return nil
	}
	changed, err := each(child, change)
	if err == nil && len(path) > 1 {
		changed, err = f.walk(changed, path[1:], change)
	}
	n[path[0]] = changed
	return err
}

func each(node any, change func(any) (any, error)) (any, error) {
	items, ok := node.([]any)
	if !ok {
		return change(node)
	}
	for i := range items {
		var err error
		if items[i], err = change(items[i]); err != nil {
			return nil, err
		}
	}
	return items, nil
}

// expand puts a thing in the place of a link to it. What the caller may not see
// stays a link.
func (f *follower) expand(node any) (any, error) {
	n, ok := node.(map[string]any)
	address, isLink := n["href"].(string)
	if !ok || !isLink || len(n) > 1 {
		return node, nil
	}
	if thing, ok := f.seen[address]; ok {
		return thing, nil
	}
	if len(f.seen) == mostLinks {
		return node, nil
	}
	thing, err := f.server.look(f.call, strings.TrimPrefix(address, Base))
	var no refusal
	if errors.Is(err, metal.ErrNotFound) || errors.As(err, &no) {
		thing, err = node, nil
	}
	if err != nil {
		return nil, err
	}
	f.seen[address] = thing
	return thing, nil
}

func shrink(node any) (any, error) {
	if n, ok := node.(map[string]any); ok && n["href"] != nil {
		return map[string]any{"href": n["href"]}, nil
	}
	return node, nil
}

// look asks our own API for a thing, as the same caller, and returns its JSON.
func (s *server) look(c *call, path string) (any, error) {
	asked := &inner{caller: c.caller}
	r, err := http.NewRequestWithContext(context.WithValue(c.ctx, innerKey{}, asked), http.MethodGet, Base+path, http.NoBody)
	if err != nil {
		return nil, err
	}
	s.mux.ServeHTTP(discard{}, r)
	if asked.err != nil || asked.body == nil {
		return nil, cmp.Or(asked.err, errNotFound())
	}
	raw, err := json.Marshal(asked.body)
	if err != nil {
		return nil, err
	}
	var tree any
	return tree, json.Unmarshal(raw, &tree)
}

// inner is a request that another one makes: it has its caller's rights, and
// its answer goes to it instead of to a socket.
type inner struct {
	caller metal.Caller
	body   any
	err    error
}

type innerKey struct{}

func innerOf(r *http.Request) *inner {
	asked, _ := r.Context().Value(innerKey{}).(*inner)
	return asked
}

// discard is where the mux itself answers what no route does.
type discard struct{}

func (discard) Header() http.Header         { return http.Header{} }
func (discard) Write(b []byte) (int, error) { return len(b), nil }
func (discard) WriteHeader(int)             {}
