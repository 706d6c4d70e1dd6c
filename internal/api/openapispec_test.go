package api_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// spec is the description of the API that the clients' SDK was generated from:
// some hundred files that refer to one another.
type spec struct {
	t     *testing.T
	files map[string]any
}

// at is a place in it.
type at struct {
	file string
	node map[string]any
}

const specRoot = "spec/services/metalv1/oas3.patched/openapi3.yaml"

func loadSpec(t *testing.T) (*spec, map[string]at) {
	t.Helper()
	dir, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "github.com/equinix/equinix-sdk-go").Output()
	require.NoError(t, err)
	s := &spec{t: t, files: map[string]any{}}
	root := filepath.Join(strings.TrimSpace(string(dir)), specRoot)
	paths := map[string]at{}
	for path, item := range s.child(at{root, s.open(root).(map[string]any)}, "paths").node {
		paths[withoutNames(path)] = s.follow(root, item)
	}
	return s, paths
}

func (s *spec) open(file string) any {
	s.t.Helper()
	if s.files[file] == nil {
		raw, err := os.ReadFile(file)
		require.NoError(s.t, err)
		var tree any
		require.NoError(s.t, yaml.Unmarshal(raw, &tree), file)
		s.files[file] = tree
	}
	return s.files[file]
}

// follow goes where a reference leads: to a file, or a place in one.
func (s *spec) follow(file string, value any) at {
	s.t.Helper()
	node, _ := value.(map[string]any)
	ref, is := node["$ref"].(string)
	if !is {
		return at{file, node}
	}
	name, place, _ := strings.Cut(ref, "#/")
	if name != "" {
		file = filepath.Join(filepath.Dir(file), name)
	}
	value = s.open(file)
	for _, word := range strings.FieldsFunc(place, func(r rune) bool { return r == '/' }) {
		value = value.(map[string]any)[word]
	}
	return s.follow(file, value)
}

func (s *spec) child(a at, name string) at { return s.follow(a.file, a.node[name]) }

// fields are those of an object, with those of all that it is made of, or may
// be; and which of them it must have, whatever it is.
func (s *spec) fields(a at) (all map[string]at, required []string) {
	all = map[string]at{}
	properties := s.child(a, "properties")
	for name := range properties.node {
		all[name] = s.child(properties, name)
	}
	required = texts(a.node["required"])
	for _, way := range []string{"allOf", "oneOf", "anyOf"} {
		parts, _ := a.node[way].([]any)
		for _, part := range parts {
			inner, must := s.fields(s.follow(a.file, part))
			for name, field := range inner {
				all[name] = field
			}
			if way == "allOf" {
				required = append(required, must...)
			}
		}
	}
	return all, required
}

func texts(list any) (all []string) {
	items, _ := list.([]any)
	for _, item := range items {
		all = append(all, fmt.Sprint(item))
	}
	return all
}

// withoutNames makes "/ports/{}" of "/ports/{id}": what a parameter is called is
// nobody's business.
func withoutNames(path string) string {
	words := strings.Split(path, "/")
	for i, word := range words {
		if strings.HasPrefix(word, "{") {
			words[i] = "{}"
		}
	}
	return strings.Join(words, "/")
}

// comparison collects where ours is otherwise than theirs.
type comparison struct {
	*spec
	found map[string]string // by "Device.hostname"
	done  map[string]bool
}

// schema compares one of ours with theirs. A link is where it ends.
func (c *comparison) schema(name string, ours *openapi3.SchemaRef, theirs at) {
	if ref := strings.TrimPrefix(ours.Ref, "#/components/schemas/"); ref != "" {
		name = ref
	}
	for _, inner := range slices.Concat(ours.Value.AllOf, ours.Value.AnyOf) {
		c.schema(name, inner, theirs)
	}
	if name == "Href" || ours.Value.Type == nil {
		return
	}
	if want, given := theirs.node["type"].(string); given && !ours.Value.Type.Is(want) {
		c.found[name] = fmt.Sprintf("is of type %v, theirs %s", *ours.Value.Type, want)
	}
	if ours.Value.Type.Is("array") {
		c.schema(name+"[]", ours.Value.Items, c.child(theirs, "items"))
		return
	}
	if key := name + " " + theirs.file; ours.Value.Type.Is("object") && !c.done[key] {
		c.done[key] = true
		c.object(name, ours.Value, theirs)
	}
}

func (c *comparison) object(name string, ours *openapi3.Schema, theirs at) {
	fields, required := c.fields(theirs)
	if len(fields) == 0 {
		return // theirs may be anything
	}
	for field, schema := range ours.Properties {
		if theirField, has := fields[field]; has {
			c.schema(name+"."+field, schema, theirField)
		} else {
			c.found[name+"."+field] = "theirs has no such field"
		}
	}
	for _, field := range required {
		if !slices.Contains(ours.Required, field) {
			c.found[name+"."+field] = "theirs is never without it"
		}
	}
}

func TestAnswersAreWhatTheClientsWereMadeFor(t *testing.T) {
	t.Parallel()
	s, paths := loadSpec(t)
	d, err := description()
	require.NoError(t, err)
	c := &comparison{spec: s, found: map[string]string{}, done: map[string]bool{}}
	compared := 0
	for path, item := range d.Paths.Map() {
		for method, op := range item.Operations() {
			theirs := s.child(paths[withoutNames(path)], strings.ToLower(method))
			for code, answer := range op.Responses.Map() {
				content := answer.Value.Content.Get("application/json")
				promised := s.child(s.child(s.child(s.child(s.child(theirs, "responses"), code), "content"), "application/json"), "schema")
				if content == nil || promised.node == nil {
					continue
				}
				compared++
				c.schema(method+" "+path, content.Schema, promised)
			}
		}
	}
	t.Logf("%d answers compared", compared)
	require.Greater(t, compared, 60)
	for what, how := range c.found {
		if otherwise[what] == "" {
			t.Errorf("%s: %s; mend it, or say here why it is so", what, how)
		}
	}
	for what := range otherwise {
		require.NotEmpty(t, c.found[what], "%s is as theirs by now: strike it off", what)
	}
}

// otherwise is where our answers are not as Equinix had them, and why.
var otherwise = reasons(map[string][]string{
	"include follows links, and what it put in a link's place says whence it came": {
		"Plan.href", "Metro.href", "Facility.href", "OperatingSystem.href", "Batch.href", "APIKey.href"},
	"the list comes in pages": {
		"APIKeyList.meta", "InvitationList.meta", "MembershipList.meta", "SSHKeyList.meta", "VLANAssignmentList.meta", "VirtualNetworkList.meta"},
	"a key says how old it is before somebody relies on it":    {"APIKey.expires_at", "APIKey.last_used_at", "APIKey.session"},
	"the same lines answer a check of sites and one of metros": {"CapacityServers.facility", "CapacityServers.metro"},
	"a reservation is ordered onto by metro, too":              {"HardwareReservation.metro"},
	"packngo reads it, and the SDK does not mind":              {"SSHKey.owner", "User.number_of_ssh_keys", "User.staff", "Invitation.invited_by", "Invitation.organization", "Invitation.projects", "Membership.organization", "Membership.projects", "Membership.projects_count"},
	"what was given can be read again": {
		"BGPConfig.use_case", "IPAssignment.customdata", "IPAssignment.details", "IPAssignment.tags", "Invitation.expires_at", "Invitation.invitee", "Invitation.message"},
	"theirs is for invoices, which the billing system writes; ours has what these are made of": {
		"Usage.bytes", "Usage.count", "Usage.facility", "Usage.from", "Usage.id", "Usage.name", "Usage.open", "Usage.plan", "Usage.seconds", "Usage.to", "Usage.type"},
})

func reasons(by map[string][]string) map[string]string {
	all := map[string]string{}
	for reason, fields := range by {
		for _, field := range fields {
			all[field] = reason
		}
	}
	return all
}
