package bmc

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"millwright/internal/metal"
)

const (
	rootPath = "/redfish/v1/"

	memberLimit = 400 // of one collection: the longest seen is a firmware inventory of some 120
	pageLimit   = 60  // of one collection; iDRACs give 50 log entries to a page
)

// serviceRoot is what a Redfish service says that it has.
type serviceRoot struct {
	Vendor         word
	Oem            map[string]json.RawMessage
	Systems        reference
	Managers       reference
	UpdateService  reference
	AccountService reference
	Tasks          reference
	Features       struct {
		ExpandQuery struct {
			ExpandAll, NoLinks, Levels bool
			MaxLevels                  int
		}
	} `json:"ProtocolFeaturesSupported"`
}

// computerSystem is the machine, as Redfish has it.
type computerSystem struct {
	ID           string `json:"@odata.id"`
	ETag         string `json:"@odata.etag"`
	Manufacturer word
	Model        word
	SerialNumber word
	SKU          word
	UUID         word
	PowerState   word
	BiosVersion  word
	Status       status
	Memory       reference
	Processors   reference
	Storage      reference
	Simple       reference `json:"SimpleStorage"` // what there was before
	LogServices  reference
	Bios         reference
	Interfaces   reference `json:"EthernetInterfaces"`
	Boot         bootState

	MemorySummary, ProcessorSummary struct{ Status status }
	Links                           struct{ Chassis, ManagedBy []reference }
}

// bootState is what a system says of how it boots.
type bootState struct {
	Enabled     word `json:"BootSourceOverrideEnabled"`
	Target      word `json:"BootSourceOverrideTarget"`
	Mode        word `json:"BootSourceOverrideMode"`
	BootOrder   []string
	BootOptions reference
}

// visit is one look round a BMC: what it serves, and where. It remembers no
// more than its session: addresses inside a BMC change with its firmware.
type visit struct {
	*redfishSession
	root   serviceRoot
	system computerSystem
}

// look reads the service root and the first system, which is the machine: a
// BMC of several, such as a chassis manager, is none of a machine's.
func (s *redfishSession) look(ctx context.Context) (*visit, error) {
	v := &visit{redfishSession: s}
	if json.Unmarshal(s.wire.serviceRoot(), &v.root) != nil {
		if err := s.get(ctx, rootPath, &v.root); err != nil {
			return nil, err
		}
	}
	path := v.root.Systems.orAt(rootPath + "Systems")
	_, err := v.each(ctx, path, 1, func(raw json.RawMessage) (bool, error) {
		return false, json.Unmarshal(raw, &v.system)
	})
	if err != nil {
		return nil, err
	}
	if v.system.ID == "" {
		return nil, fmt.Errorf("GET %s: it lists no system: %w", path, metal.ErrUnsupported)
	}
	return v, nil
}

func (r reference) orAt(path string) string { return cmp.Or(r.ID, path) }

// expands says whether one request brings a collection with its members.
func (v *visit) expands() bool {
	return v.root.Features.ExpandQuery.NoLinks || v.root.Features.ExpandQuery.ExpandAll
}

// expanded is a collection's path, asking for its members as well, to the
// depth that is wanted and that the BMC goes to.
func (v *visit) expanded(path string, depth int) string {
	query := v.root.Features.ExpandQuery
	sign := "."
	switch {
	case strings.Contains(path, "?") || !v.expands():
		return path
	case !query.NoLinks:
		sign = "*"
	}
	if depth > 1 && query.Levels && query.MaxLevels >= depth {
		return fmt.Sprintf("%s?$expand=%s($levels=%d)", path, sign, depth)
	}
	return path + "?$expand=" + sign
}

// collection is one page of a Redfish collection.
type collection struct {
	Members []json.RawMessage
	Count   int    `json:"Members@odata.count"`
	Next    string `json:"Members@odata.nextLink"`
	NextOld string `json:"@odata.nextLink"` // where OData 4 puts it, and some BMCs with it
}

// each hands over the members of a collection, in pages, until no is answered,
// and says how many there are. Members that come as links alone are fetched, one by one: there are BMCs that
// say they expand, and do not.
func (v *visit) each(ctx context.Context, path string, depth int, member func(json.RawMessage) (more bool, err error)) (count int, err error) {
	next, seen := v.expanded(path, depth), 0
	for page := 0; page < pageLimit; page++ {
		got, err := v.page(ctx, next, path)
		if err != nil {
			return count, err
		}
		count = max(count, got.Count)
		for _, raw := range got.Members {
			seen++
			if raw, err = v.fetched(ctx, raw); err != nil {
				return count, err
			}
			if more, err := member(raw); err != nil || !more {
				return count, err
			}
		}
		following := cmp.Or(got.Next, got.NextOld)
		if following == "" || following == next || seen >= got.Count || len(got.Members) == 0 {
			return max(count, seen), nil
		}
		next = following
	}
	return count, nil
}

// page reads one page; a BMC that refuses to expand after all is asked plainly.
func (v *visit) page(ctx context.Context, path, plainly string) (collection, error) {
	var got collection
	err := v.get(ctx, path, &got)
	if err != nil && path != plainly && v.answered() && strings.Contains(path, "$expand") {
		err = v.get(ctx, plainly, &got)
	}
	return got, err
}

// fetched is a resource in full, where raw may be no more than its link.
func (v *visit) fetched(ctx context.Context, raw json.RawMessage) (json.RawMessage, error) {
	var fields map[string]json.RawMessage
	if json.Unmarshal(raw, &fields) != nil || len(fields) != 1 || fields["@odata.id"] == nil {
		return raw, nil
	}
	var link reference
	if err := json.Unmarshal(raw, &link); err != nil || link.ID == "" {
		return raw, nil
	}
	var whole json.RawMessage
	err := v.get(ctx, link.ID, &whole)
	return whole, err
}

// members are a collection's, decoded. What does not decode is left out.
func members[T any](ctx context.Context, v *visit, path string, depth int) (list []T, err error) {
	_, err = v.each(ctx, path, depth, func(raw json.RawMessage) (bool, error) {
		var one T
		if json.Unmarshal(raw, &one) == nil {
			list = append(list, one)
		}
		return len(list) < memberLimit, nil
	})
	return list, err
}

// answered is whether the BMC answered the last request, if only with a no.
func (s *redfishSession) answered() bool { return s.wire.lastExchange().err == nil }
