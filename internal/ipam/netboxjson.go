package ipam

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// json reads a list as NetBox's REST API gives it, {"results": […]}, or a bare
// one, as NetBox imports it.
func (rd *reader) json(text []byte) {
	in := &jsonLines{Decoder: json.NewDecoder(bytes.NewReader(text)), text: text, line: 1}
	in.UseNumber()
	var err error
	if first, _ := in.Token(); first == json.Delim('[') {
		err = rd.objects(in)
	} else {
		err = rd.page(in)
	}
	if err != nil {
		rd.problem(in.here(), "not JSON as NetBox writes it: %v. What follows was not read", err)
	}
}

// jsonLines knows in which line it is.
type jsonLines struct {
	*json.Decoder
	text  []byte
	line  int
	until int64 // where lines were counted to
}

// here is the line where the next value begins, or what was read last ends.
func (j *jsonLines) here() int {
	offset := j.InputOffset()
	for offset < int64(len(j.text)) && strings.IndexByte(" \t\r\n,:", j.text[offset]) >= 0 {
		offset++
	}
	j.line += bytes.Count(j.text[j.until:offset], []byte("\n"))
	j.until = offset
	return j.line
}

// page reads the rest of an object that begins a file.
func (rd *reader) page(in *jsonLines) error {
	found := false
	for in.More() {
		key, err := in.Token()
		if err != nil {
			return err
		}
		switch key {
		case "results":
			found = true
			if open, err := in.Token(); err != nil || open != json.Delim('[') {
				return fmt.Errorf("results is not a list")
			}
			err = rd.objects(in)
		case "next":
			var next *string
			if err = in.Decode(&next); err == nil && next != nil {
				rd.problem(in.here(), `the list goes on: there is a "next" page; fetch it whole, with ?limit=0`)
			}
		default:
			err = in.Decode(&json.RawMessage{})
		}
		if err != nil {
			return err
		}
	}
	if !found {
		return fmt.Errorf(`no "results"`)
	}
	_, err := in.Token()
	return err
}

// objects reads the rest of a list.
func (rd *reader) objects(in *jsonLines) error {
	for in.More() {
		line := in.here()
		var object map[string]any
		if err := in.Decode(&object); err != nil {
			return err
		}
		list, ok := listOf(func(field string) bool { return object[field] != nil })
		if !ok {
			rd.problem(line, "neither an aggregate, nor a prefix, nor an IP address of NetBox")
			continue
		}
		rd.fromNetBox(list, row{line, flat(object)})
	}
	_, err := in.Token()
	return err
}

// flat makes texts of an object's fields: what has a slug or a value is that.
// The tenant and the site of a prefix are objects in a list, and names in what
// is imported.
func flat(object map[string]any) map[string]string {
	fields := map[string]string{}
	for name, value := range object {
		if text := textOf(value); text != "" {
			fields[name] = text
		}
	}
	if assigned, ok := object["assigned_object"].(map[string]any); ok {
		for _, kind := range []string{"device", "virtual_machine"} {
			if text := nameOf(assigned[kind]); text != "" {
				fields["device"] = text
			}
		}
	}
	return fields
}

func textOf(value any) string {
	switch v := value.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case map[string]any:
		for _, key := range []string{"slug", "value", "name"} {
			if text := textOf(v[key]); text != "" {
				return text
			}
		}
	}
	return ""
}

// nameOf is a device's, which has no slug.
func nameOf(value any) string {
	object, _ := value.(map[string]any)
	name, _ := object["name"].(string)
	return name
}
