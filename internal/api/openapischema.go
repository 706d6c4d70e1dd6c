package api

import (
	"encoding/json"
	"path"
	"reflect"
	"strings"
	"time"
	"unicode"
)

const componentPath = "#/components/schemas/"

// direction tells what comes in from what goes out: a field that answers always
// have may be left out of a request.
type direction string

const (
	incoming direction = "Input"
	outgoing direction = ""
)

// schemas describes Go types as JSON has them, by their tags.
type schemas struct {
	all   node                    // by name
	types map[string]reflect.Type // whose name it is
}

// ownSchema is for types that write themselves otherwise than their fields say.
type ownSchema interface{ schema() node }

var (
	moment   = reflect.TypeFor[time.Time]()
	rawJSON  = reflect.TypeFor[json.RawMessage]()
	selfMade = reflect.TypeFor[ownSchema]()
	reads    = reflect.TypeFor[json.Unmarshaler]()
	writes   = reflect.TypeFor[json.Marshaler]()
)

func (s *schemas) of(value any, way direction) node { return s.typed(reflect.TypeOf(value), way) }

func (s *schemas) typed(t reflect.Type, way direction) node {
	switch {
	case t.Implements(selfMade):
		return reflect.Zero(t).Interface().(ownSchema).schema()
	case t == moment:
		return node{"type": "string", "format": "date-time"}
	case t == rawJSON, reflect.PointerTo(t).Implements(reads) && way == incoming, t.Implements(writes) && t.Kind() != reflect.Pointer:
		return whatever()
	}
	switch t.Kind() {
	case reflect.Bool:
		return node{"type": "boolean"}
	case reflect.String:
		return node{"type": "string"}
	case reflect.Float32, reflect.Float64:
		return node{"type": "number"}
	case reflect.Slice, reflect.Array:
		return node{"type": "array", "items": s.typed(t.Elem(), way)}
	case reflect.Map:
		return node{"type": "object", "additionalProperties": s.typed(t.Elem(), way)}
	case reflect.Pointer:
		return nullable(s.typed(t.Elem(), way))
	case reflect.Struct:
		return s.structure(t, way)
	case reflect.Interface:
		return whatever()
	}
	return node{"type": "integer"} // the kinds that are left are numbers, or nothing that JSON has
}

func whatever() node { return node{"nullable": true} }

// nullable lets a value be null. Beside a reference nothing else is read, hence
// the detour.
func nullable(of node) node {
	if of["$ref"] != nil {
		return node{"nullable": true, "allOf": []node{of}}
	}
	of["nullable"] = true
	return of
}

// structure puts a struct among the named ones, and refers to it; one without a
// name stays where it is.
func (s *schemas) structure(t reflect.Type, way direction) node {
	if t.Name() == "" {
		return s.fields(t, way)
	}
	name := s.name(t, way)
	if s.types[name] == nil {
		s.types[name] = t // before its fields: a type within itself refers to it
		s.all[name] = s.fields(t, way)
	}
	return node{"$ref": componentPath + name}
}

// name is a type's own, unless another type has it: then its package's comes
// before it.
func (s *schemas) name(t reflect.Type, way direction) string {
	name := strings.TrimSuffix(title(t.Name()), string(way)) + string(way)
	for s.types[name] != nil && s.types[name] != t {
		name = title(path.Base(t.PkgPath())) + name
	}
	return name
}

func title(word string) string {
	letters := []rune(word)
	letters[0] = unicode.ToUpper(letters[0])
	return string(letters)
}

func (s *schemas) fields(t reflect.Type, way direction) node {
	properties, required := node{}, []string{}
	for _, f := range reflect.VisibleFields(t) {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		inner := f.Anonymous && name == "" // its own fields are visible here
		if inner || name == "-" || !f.IsExported() {
			continue
		}
		if name == "" {
			name = f.Name
		}
		properties[name] = s.typed(f.Type, way)
		if way == outgoing && !strings.Contains(options, "omit") {
			required = append(required, name)
		}
	}
	of := node{"type": "object", "properties": properties}
	if len(required) > 0 {
		of["required"] = required
	}
	return of
}

// isPage reports whether an answer is a list that comes in parts.
func isPage(out any) bool {
	t := reflect.TypeOf(out)
	if t == nil || t.Kind() != reflect.Struct {
		return false
	}
	_, has := t.FieldByName("Meta")
	return has
}
