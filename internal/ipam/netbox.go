package ipam

import (
	"cmp"
	"maps"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"millwright/internal/metal"
)

// NetBox says how NetBox's words become ours where they cannot by themselves.
type NetBox struct {
	Roles map[string]metal.Role // by the slug of NetBox's role: "customer-links" is public
	Site  metal.SiteID          // of prefixes that have none in NetBox
	Role  metal.Role            // of prefixes that have none in NetBox
}

// What NetBox has lists of. The names are those in its URLs, /api/ipam/<name>/.
const (
	NetBoxAggregates  = "aggregates"
	NetBoxPrefixes    = "prefixes"
	NetBoxIPAddresses = "ip-addresses"
)

// aliases are what columns of NetBox's tables are called, by release: the UI
// exports a table under its headings, REST and imports use field names.
// Seen in netbox/ipam/tables/ip.py and forms/bulk_import.py, 3.0 to 4.4.
var aliases = map[string]string{
	"aggregate": "prefix", "ip_address": "address", "added": "date_added",
	"device/vm": "device", "parent": "device", "virtual_machine": "device", "assigned_object_parent": "device",
	"scope_name": "scope",
}

// netboxTable says how rows under a header of NetBox's are taken.
func (rd *reader) netboxTable(header []string) (take func(row), ok bool) {
	list, ok := listOf(func(column string) bool { return slices.Contains(header, column) })
	if !ok {
		rd.problem(1, "the columns are neither ours (%s) nor those of NetBox's aggregates, prefixes or IP addresses", strings.Join(Columns, ", "))
		return nil, false
	}
	return func(r row) { rd.fromNetBox(list, r) }, true
}

// listOf tells NetBox's lists apart by fields that only one of them has. New
// releases name the RIR of a prefix too, but aggregates never had a status.
func listOf(has func(field string) bool) (string, bool) {
	switch {
	case has("address") || has("ip_address"):
		return NetBoxIPAddresses, true
	case has("rir") && !has("status"):
		return NetBoxAggregates, true
	case has("prefix"):
		return NetBoxPrefixes, true
	}
	return "", false
}

// fromNetBox translates a row into ours. A row that an export of ours wrote says
// in its comments what NetBox has no fields for; NetBox's own fields have the
// last word, because people edit those.
func (rd *reader) fromNetBox(list string, r row) {
	r.fields = known(r.fields)
	if vrf := r.fields["vrf"]; vrf != "" && !strings.EqualFold(vrf, "global") {
		rd.problem(r.line, "%s is in VRF %q, and here is one space of addresses; leave its rows out, or import them without the column vrf",
			r.fields["prefix"]+r.fields["address"], vrf)
		return
	}
	own, ok := remarks(r.fields["comments"])
	if !ok {
		own, ok = rd.plainNetBox(list, r)
	}
	if ok {
		rd.visible(list, r, own)
		rd.own(row{r.line, own})
	}
}

// known has the fields under the names that REST gives them. Where a heading
// and its alias are both there, the field's own name wins.
func known(fields map[string]string) map[string]string {
	clean := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		// Headings of trees have bullets for depth, and a dash is nothing.
		text := strings.TrimSpace(strings.Trim(strings.TrimSpace(fields[name]), "•— "))
		if alias := aliases[name]; alias != "" && fields[alias] == "" {
			name = alias
		}
		if text != "" {
			clean[name] = text
		}
	}
	return clean
}

// plainNetBox says what kind of ours a row is, and for a lease who has it.
func (rd *reader) plainNetBox(list string, r row) (map[string]string, bool) {
	own := map[string]string{}
	status := strings.ToLower(r.fields["status"])
	switch {
	case list == NetBoxAggregates:
		own["kind"] = kindAggregate
	case status == "deprecated":
		rd.leaveOut(r.line, "%s is deprecated in NetBox: nobody uses it", r.fields["prefix"]+r.fields["address"])
		return nil, false
	case list == NetBoxIPAddresses:
		own["kind"], own["holder"], own["since"] = kindLease, user(r.fields), timeOf(r.fields["created"])
	case status == "container":
		rd.leaveOut(r.line, "%s is a container in NetBox: it only holds other prefixes, which are cut from an aggregate here", r.fields["prefix"])
		return nil, false
	case status == "reserved":
		own["kind"], own["holder"] = kindLease, user(r.fields)
	default:
		own["kind"] = kindBlock
	}
	return own, true
}

// user is who an address is for, as exactly as NetBox says.
func user(fields map[string]string) string {
	for _, name := range []string{"device", "dns_name"} {
		if fields[name] != "" {
			return metal.ImportedHolder + fields[name]
		}
	}
	if fields["tenant"] != "" {
		return "" // its project
	}
	return metal.ImportedHolder + fields["prefix"] + fields["address"]
}

// visible puts in what NetBox has fields for.
func (rd *reader) visible(list string, r row, own map[string]string) {
	set := func(column, text string) {
		if text != "" {
			own[column] = text
		}
	}
	set("prefix", r.fields["prefix"])
	if own["kind"] == kindAggregate || own["kind"] == kindBlock {
		set("note", r.fields["description"])
	}
	if list == NetBoxAggregates {
		set("registry", registry(r.fields["rir"]))
		if day := timeOf(r.fields["date_added"]); !strings.HasPrefix(own["since"], strings.TrimSuffix(day, "T00:00:00Z")) {
			set("since", day) // ours may know the hour
		}
		return
	}
	if own["kind"] != kindQuarantine {
		set("project", rd.ours(r.line, "tenant", r.fields["tenant"]))
	}
	if list == NetBoxIPAddresses {
		set("prefix", rd.host(r))
		return
	}
	set("site", rd.ours(r.line, "site", site(r.fields)))
	set("role", rd.roleOf(r.line, r.fields["role"]))
	if own["kind"] == kindBlock && own["role"] != string(metal.Anycast) && own["site"] == "" {
		set("site", string(rd.netbox.Site))
	}
	if own["kind"] == kindBlock && own["role"] == "" {
		set("role", string(rd.netbox.Role))
	}
}

// host is an address alone: in NetBox its mask is that of its interface.
func (rd *reader) host(r row) string {
	address, _, _ := strings.Cut(r.fields["address"], "/")
	addr, err := netip.ParseAddr(address)
	if err != nil {
		return r.fields["address"] // whose mistake is reported as a prefix's
	}
	return netip.PrefixFrom(addr, addr.BitLen()).String()
}

// site is a prefix's, where it is bound to a site and not to a region or the
// like. 4.2 replaced the field site by a scope of any of these.
func site(fields map[string]string) string {
	if kind := strings.ToLower(fields["scope_type"]); kind != "" && !strings.Contains(kind, "site") || strings.Contains(kind, "group") {
		return ""
	}
	return cmp.Or(fields["site"], fields["scope"])
}

func (rd *reader) roleOf(line int, text string) string {
	slug := slugOf(text)
	if role := rd.netbox.Roles[slug]; role != "" {
		return string(role)
	}
	if text != "" && !slices.Contains(roles, metal.Role(slug)) {
		rd.problem(line, "NetBox's role %q is none here; say which of %s it is", text, rolesText())
		return ""
	}
	return slug
}

// registry takes "RFC 1918" for rfc1918, and "RIPE NCC" for ripe-ncc.
func registry(rir string) string { return strings.Replace(slugOf(rir), "rfc-", "rfc", 1) }

// ours makes a name of ours of NetBox's, and sees to it that no two become one.
func (rd *reader) ours(line int, what, text string) string {
	slug := slugOf(text)
	key := what + " " + slug
	switch before, seen := rd.slugs[key]; {
	case text == "":
	case slug == "":
		rd.problem(line, "%s %q has no letter that a name can have; rename it in NetBox", what, text)
	case seen && before != text:
		rd.problem(line, "%ss %q and %q would both be %s; rename one in NetBox", what, before, text, slug)
	default:
		rd.slugs[key] = text
	}
	return slug
}

// slugOf is a name in the form that NetBox gives its slugs; a name of ours stays.
func slugOf(text string) string {
	if nameForm.MatchString(text) {
		return text
	}
	slug := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '_' || r == '-':
			return r
		case r == ' ':
			return '-'
		}
		return -1
	}, strings.ToLower(text))
	return strings.Trim(strings.Join(strings.FieldsFunc(slug, func(r rune) bool { return r == '-' }), "-"), "-_")
}

// timeOf takes a time that NetBox prints if it is of a form that we know, and
// nothing else: when a row was made in NetBox decides nothing.
func timeOf(text string) string {
	for _, form := range []string{time.RFC3339Nano, time.DateOnly, "2006-01-02 15:04"} {
		if t, err := time.Parse(form, text); err == nil {
			return t.UTC().Format(time.RFC3339Nano)
		}
	}
	return ""
}

// remark begins a line of NetBox's comments in which an export of ours says
// what NetBox has no field for: our columns, as a URL's query.
const remark = "millwright:"

func remarks(comments string) (map[string]string, bool) {
	for line := range strings.Lines(comments) {
		text, ok := strings.CutPrefix(strings.TrimSpace(line), remark)
		if !ok {
			continue
		}
		values, err := url.ParseQuery(text)
		if err != nil {
			return nil, false
		}
		own := map[string]string{}
		for _, column := range Columns {
			if value := values.Get(column); value != "" {
				own[column] = value
			}
		}
		return own, own["kind"] != ""
	}
	return nil, false
}
