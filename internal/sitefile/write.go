package sitefile

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"text/template"
	"time"

	"gopkg.in/yaml.v3"
)

// Write prints a site in the shape that people write by hand: a line or two to
// a thing, and comments that say what each section is for. Parse reads it back
// to an equal site.
func Write(w io.Writer, s *Site) error {
	var page bytes.Buffer
	if err := layout.Execute(&page, s); err != nil {
		return fmt.Errorf("site %s: print its file: %w", s.ID, err)
	}
	if _, err := w.Write(page.Bytes()); err != nil {
		return fmt.Errorf("site %s: write its file: %w", s.ID, err)
	}
	return nil
}

// quoted is a scalar that means the same on any line of a YAML file, whatever
// stands in it: colons, commas, or a word like "no".
func quoted(value any) (string, error) {
	node := yaml.Node{Kind: yaml.ScalarNode, Style: yaml.DoubleQuotedStyle, Value: fmt.Sprint(value)}
	text, err := yaml.Marshal(&node)
	return strings.TrimSuffix(string(text), "\n"), err
}

// words prints a list of names or numbers on one line; they need no quotes,
// because Parse admits none that would.
func words[T any](list []T) string {
	all := make([]string, len(list))
	for i, item := range list {
		all[i] = fmt.Sprint(item)
	}
	return strings.Join(all, ", ")
}

var layout = template.Must(template.New("site").Funcs(template.FuncMap{
	"q":    quoted,
	"ints": words[int], "types": words[string], "table": table, "burn": burning,
	"addresses": func(b BGP) string {
		quotes := make([]string, len(b.Addresses))
		for i, a := range b.Addresses {
			quotes[i] = fmt.Sprintf("%q", a)
		}
		return strings.Join(quotes, ", ")
	},
	"racks":    func(s *Site) string { return words(s.Racks) },
	"projects": func(b Block) string { return words(b.Projects) },
	"day":      func(t time.Time) string { return t.Format(time.DateOnly) },
	"plans":    func(o OperatingSystem) string { return words(o.Plans) },
}).Parse(`# A site of Millwright: what stands in it, and how it is reached.
# Nothing here is secret: credentials are named, and stored elsewhere.
site: {{.ID}}
metro: {{.Metro}}{{if .Vouched}}

# Its machines were proven before they came here: new ones come in idle, and not
# to be commissioned first.
vouched: true{{end}}{{with .PowerBudget}}

# Watts, above which no machine is warmed.
power_budget_w: {{.}}{{end}}

# Where the site's boot services listen. Switches relay DHCP to each of them,
# and a parked machine reaches nothing else.
boot:
  addresses:{{range .Boot}}
    - {{q .}}{{end}}
{{with .BGP}}{{if .AS}}
# How machines of projects with BGP peer with the switches, in every rack alike.
bgp: {as: {{.AS}}, peer_as: {{.PeerAS}}, addresses: [{{addresses .}}]}
{{end}}{{end}}
{{- with .Zones}}
# Where names are made, by updates that the named credential signs.
zones:{{range .}}
  - {name: {{q .Name}}, server: {{q .Server}}, credential: {{q .Credential}}{{with .Algorithm}}, algorithm: {{.}}{{end}}{{if .Addresses.IsValid}}, addresses: {{q .Addresses}}{{end}}, ttl: {{.TTL}}}{{end}}
{{end}}
{{with .Aggregates}}# What registries gave. A block that lies in none of these gets an aggregate
# that is assumed.
aggregates:{{range .}}
  - {prefix: {{q .Prefix}}, registry: {{.Registry}}{{with .Status}}, status: {{q .}}{{end}}{{if not .Given.IsZero}}, given: {{day .Given}}{{end}}{{with .Note}}, note: {{q .}}{{end}}}{{end}}

{{end}}# Where addresses come from. Every port keeps an install link for ever; public
# and private links are leased to devices.
blocks:{{range .Blocks}}
  - {prefix: {{q .Prefix}}, role: {{.Role}}{{if .Projects}}, projects: [{{projects .}}]{{end}}}{{end}}

# What tenants can order. The limits say how long its machines may take from
# power-on to the agent, from there to a proven image (or erasure), and from
# there to the system's first word. What else stands here is what its machines
# are held against before anybody gets them.
plans:{{range .Plans}}
  {{.ID}}: {description: {{q .Description}}, cores: {{.Cores}}, memory_gib: {{.MemoryGiB}}, disks_gb: [{{ints .DisksGB}}],
    boot_limit: {{.Limits.Boot}}, install_limit: {{.Limits.Install}}, phone_home_limit: {{.Limits.PhoneHome}}{{if .Warm}}, warm: {{.Warm}}{{end}}` +
	`{{with .Spares}}, spares: {{.}}{{end}}{{with .Watts}}, watts: {{.}}{{end}}{{with .DiskTypes}},
    disk_types: [{{types .}}]{{end}}{{with .NICMbps}},
    nic_mbps: {{.}}{{end}}{{with .Firmware}},
    firmware: {{table .}}{{end}}{{with .Settings}},
    settings: {{table .}}{{end}}{{with burn .BurnIn}},
    burn_in: {{.}}{{end}}}{{end}}

# What can be installed: images lie in boot's image store, under the IDs that
# starter image import printed.
operating_systems:{{range .OperatingSystems}}
  {{.ID}}:
    name: {{q .Name}}
    distro: {{q .Distro}}
    version: {{q .Version}}
    arch: {{.Arch}}
    first_boot: {{.FirstBoot}}{{if .Image.ID}}
    image: {{.Image.ID}}
    size: {{.Image.Size}} # bytes{{end}}
    plans: [{{plans .}}]{{end}}

racks: [{{racks .}}]

# host_key is what ssh-keygen -l prints of the switch's key.
switches:{{range .Switches}}
  {{.ID}}:
    rack: {{.Rack}}
    address: {{q .Address}}
    host_key: {{q .HostKey}}
    credential: {{q .Credential}}{{with .Driver}}
    driver: {{.}}{{end}}{{with .FilterTerms}}
    filter_terms: {{.}}{{end}}{{end}}

# A machine boots from its first NIC. kexec says whether its drivers survive
# one; fingerprint is the SHA-256 of its BMC's certificate.
machines:{{range .Machines}}
  {{.ID}}:
    {rack: {{.Rack}}, unit: {{.Unit}}, plan: {{.Plan}}, firmware: {{.Firmware}}, kexec: {{.Kexec}},{{if .Advertise}} advertise: true,{{end}}
     bmc: {address: {{q .BMC.Address}}, protocol: {{.BMC.Protocol}}, credential: {{q .BMC.Credential}}` +
	`{{with .BMC.CipherSuite}}, cipher_suite: "{{.}}"{{end}}{{with .BMC.Console}}, console: {{.}}{{end}}{{with .BMC.Sessions}}, sessions: {{.}}{{end}}{{with .BMC.Gap}}, gap: {{.}}{{end}}` +
	`{{if .BMC.Second.Address}}, second: {protocol: {{.BMC.Second.Protocol}}, address: {{q .BMC.Second.Address}}}{{end}}` +
	`{{with .BMC.Fingerprint}},
           fingerprint: {{.}}{{end}}},
     nics: [{{range $i, $n := .NICs}}{{if $i}},
            {{end}}{mac: "{{.MAC}}", switch: {{.Port.Switch}}, port: "{{or .Member .Port.Name}}"{{if .Member}}, bundle: {{.Port.Name}}{{end}}}{{end}}],
     disks: [{{range $i, $d := .Disks}}{{if $i}}, {{end}}{serial: {{q .Serial}}, size_gb: {{.SizeGB}}}{{end}}]}{{end}}
`))
