package api

import (
	"cmp"
	"encoding/json"
	"net/http"
	"reflect"
	"regexp"
	"strconv"
	"strings"
)

// node is a JSON object of the description: OpenAPI 3.0, which clients'
// generators know best.
type node = map[string]any

// describe makes the API's description of the table of routes: what is not in
// the table cannot be asked, and what is in it is described.
func describe(routes []route) node {
	types := &schemas{all: node{}, types: map[string]reflect.Type{}}
	paths := node{}
	for _, r := range routes {
		methods, known := paths[r.path].(node)
		if !known {
			methods = node{}
			paths[r.path] = methods
		}
		methods[strings.ToLower(r.method)] = operation(r, types)
	}
	types.all["Error"] = node{
		"type":     "object",
		"required": []string{"errors"},
		"properties": node{"errors": node{
			"type": "array", "items": node{"type": "string"},
			"description": "Why not, in a sentence each; the field that is wrong comes first.",
		}},
	}
	return node{
		"openapi": "3.0.3",
		"info": node{
			"title": "Millwright", "version": "1.0.0",
			"description": "Bare metal by the Packet API. Links below the answers' href are paths of this API; include follows them.",
			"license":     node{"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
		},
		"servers":  []node{{"url": Base}},
		"security": []node{{"key": []string{}}, {"bearer": []string{}}},
		"paths":    paths,
		"components": node{
			"schemas": types.all,
			"securitySchemes": node{
				"key":    node{"type": "apiKey", "in": "header", "name": "X-Auth-Token"},
				"bearer": node{"type": "http", "scheme": "bearer"},
			},
		},
	}
}

func operation(r route, types *schemas) node {
	op := node{
		"operationId": operationID(r), "summary": r.does, "tags": []string{string(r.kind)},
		"parameters": parameters(r),
		"responses": node{
			strconv.Itoa(r.code): answerOf(r, types),
			"default": node{
				"description": "Refused; nothing has changed.",
				"content":     node{jsonType: node{"schema": node{"$ref": componentPath + "Error"}}},
			},
		},
	}
	if r.in != nil {
		op["requestBody"] = node{"content": node{jsonType: node{"schema": types.of(r.in, incoming)}}}
	}
	return op
}

// anyOf is the out of a route that answers one of several things. A text in it
// is the content type of those that are no JSON.
type anyOf []any

func answerOf(r route, types *schemas) node {
	answer := node{"description": http.StatusText(r.code)}
	if r.out == nil {
		return answer
	}
	several, ok := r.out.(anyOf)
	if !ok {
		several = anyOf{r.out}
	}
	content, schemas := node{}, []node{}
	for _, one := range several {
		if kind, plain := one.(text); plain {
			content[cmp.Or(string(kind), "text/plain")] = node{"schema": node{"type": "string"}}
			continue
		}
		schemas = append(schemas, types.of(one, outgoing))
	}
	switch len(schemas) {
	case 0:
	case 1:
		content[jsonType] = node{"schema": schemas[0]}
	default:
		content[jsonType] = node{"schema": node{"anyOf": schemas}}
	}
	answer["content"] = content
	return answer
}

const jsonType = "application/json"

var pathParameter = regexp.MustCompile(`\{([^}]+)\}`)

// operationID is what generators name a function: getProjectsIdPlans.
func operationID(r route) string {
	var id strings.Builder
	id.WriteString(strings.ToLower(r.method))
	for _, word := range strings.FieldsFunc(r.path, func(c rune) bool { return strings.ContainsRune("/{}-.", c) }) {
		id.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return id.String()
}

// parameters are those of the path, and those that every answer of the kind
// heeds. What else a list can be filtered by is in the guide to the API.
func parameters(r route) []node {
	all := []node{}
	for _, name := range pathParameter.FindAllStringSubmatch(r.path, -1) {
		all = append(all, node{"name": name[1], "in": "path", "required": true, "schema": node{"type": "string"}})
	}
	query := func(name, what string, schema node) {
		all = append(all, node{"name": name, "in": "query", "description": what, "schema": schema})
	}
	if isPage(r.out) {
		query("page", "Which part of the list, from 1.", node{"type": "integer", "minimum": 1})
		query("per_page", "How long a part is.", node{"type": "integer", "minimum": 1, "maximum": largestPage})
	}
	if _, plain := r.out.(text); r.out != nil && !plain {
		query("include", "Links to put the things in the place of: names with commas between them, dots lead deeper.", node{"type": "string"})
		query("exclude", "Things to put links in the place of.", node{"type": "string"})
	}
	if r.method == http.MethodPost {
		all = append(all, node{
			"name": "Idempotency-Key", "in": "header", "schema": node{"type": "string", "maxLength": maxKey},
			"description": "The same key again is answered with what the first request did.",
		})
	}
	return all
}

// described answers with the description; it needs no key.
func described(routes []route) http.HandlerFunc {
	body, err := json.Marshal(describe(routes))
	return func(w http.ResponseWriter, _ *http.Request) {
		if err != nil { // a type that JSON has no words for: the tests would say so first
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		_, _ = w.Write(body)
	}
}
