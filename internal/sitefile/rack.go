package sitefile

import (
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"millwright/internal/metal"
)

func (p *parser) racks(root object) {
	for _, w := range root.words("racks") {
		p.checkName(w.line, "rack", w.name)
		p.once("rack", w.name, w.line)
		p.site.Racks = append(p.site.Racks, metal.RackID(w.name))
	}
}

// hostKeyForm is what "ssh-keygen -l" prints: unpadded base64 of 32 bytes.
var hostKeyForm = regexp.MustCompile(`^SHA256:[A-Za-z0-9+/]{43}$`)

func (p *parser) switches(root object) {
	for _, e := range root.table("switches", "switch") {
		o := p.object(e.as("switch"), []string{"rack", "address", "host_key", "credential"}, []string{"driver", "filter_terms"})
		s := Switch{Rack: p.rack(o), Switch: metal.Switch{
			ID:         metal.SwitchID(e.name),
			Site:       p.site.ID,
			Address:    p.endpoint(o, "830"),
			HostKey:    o.text("host_key"),
			Credential: p.credential(o),
		}}
		s.Driver = string(choice(o, "driver", junosDriver, frrDriver))
		if o.values["filter_terms"] != nil {
			s.FilterTerms = o.number("filter_terms")
		}
		if s.HostKey != "" && !hostKeyForm.MatchString(s.HostKey) {
			p.problem(o.at("host_key"), "host_key of %s is %q; write SHA256:… as ssh-keygen -l prints it", o.what, s.HostKey)
		}
		p.site.Switches = append(p.site.Switches, s)
	}
}

func (p *parser) machines(root object) {
	for _, e := range root.table("machines", "machine") {
		o := p.object(e.as("machine"),
			[]string{"rack", "unit", "plan", "firmware", "bmc", "nics", "disks"}, []string{"kexec", "advertise"})
		m := Machine{Unit: o.number("unit"), Machine: metal.Machine{
			ID:       metal.MachineID(e.name),
			Site:     p.site.ID,
			Rack:     p.rack(o),
			Plan:     metal.PlanID(o.text("plan")),
			Firmware: choice(o, "firmware", metal.UEFI, metal.BIOS),
			Kexec:    o.truth("kexec"),
		}}
		knows(p, o.at("plan"), "plan", m.Plan, names(p.site.Plans, func(d Plan) metal.PlanID { return d.ID }))
		if m.Rack != "" && m.Unit > 0 {
			p.once("unit", strconv.Itoa(m.Unit)+" of rack "+string(m.Rack), o.at("unit"))
		}
		m.BMC = p.bmc(o, m.ID)
		m.NICs, m.Advertise = p.nics(o), o.truth("advertise")
		m.Disks = p.disks(o)
		if len(m.NICs) > 0 {
			m.Port = m.NICs[0].Port
		}
		p.site.Machines = append(p.site.Machines, m)
	}
}

func (p *parser) rack(o object) metal.RackID {
	rack := metal.RackID(o.text("rack"))
	knows(p, o.at("rack"), "rack", rack, p.site.Racks)
	return rack
}

func (p *parser) credential(o object) string {
	name := o.text("credential")
	if name != "" && p.credentials != nil && !p.credentials[name] {
		p.problem(o.at("credential"), "no credential is called %q, which %s needs; store it first, or name another", name, o.what)
	}
	return name
}

// endpoint is an address with or without a port. Two names for one endpoint are
// a copied line, so it may stand once whatever is behind it.
func (p *parser) endpoint(o object, port string) string {
	text := o.text("address")
	if text == "" {
		return ""
	}
	host, given, err := net.SplitHostPort(text)
	if err != nil {
		host, given = strings.Trim(text, "[]"), port
	}
	number, err := strconv.Atoi(given)
	if err != nil || number < 1 || number > 65535 || !hostForm.MatchString(host) {
		p.problem(o.at("address"), "address of %s is %q; write host:port", o.what, text)
		return text
	}
	p.once("address", net.JoinHostPort(host, given), o.at("address"))
	return text
}

// hostForm admits host names and both families of addresses.
var hostForm = regexp.MustCompile(`^[A-Za-z0-9.:_-]{1,253}$`)

func (p *parser) bmc(machine object, id metal.MachineID) metal.BMC {
	if machine.values["bmc"] == nil {
		return metal.BMC{}
	}
	o := p.object(entry{"bmc of " + machine.what, machine.at("bmc"), machine.values["bmc"]},
		[]string{"address", "protocol", "credential"}, []string{"fingerprint", "cipher_suite", "console", "sessions", "gap", "second"})
	b := metal.BMC{
		Machine:     id,
		Protocol:    choice(o, "protocol", metal.Redfish, metal.IPMI),
		Credential:  p.credential(o),
		Fingerprint: p.digest(o, "fingerprint", "a SHA-256"),
		CipherSuite: choice(o, "cipher_suite", "3", "17"),
		Console:     choice(o, "console", metal.NoConsole),
		Sessions:    o.number("sessions"),
	}
	b.Address = p.endpoint(o, standardPort(b.Protocol))
	if o.has("gap") {
		b.Gap = o.within("gap", time.Millisecond, time.Minute, "1ms to 1m, like 500ms")
	}
	b.Second = p.second(o)
	if (b.Protocol == metal.Redfish || b.Second.Protocol == metal.Redfish) && !o.has("fingerprint") {
		p.problem(o.line, "%s speaks redfish and has no \"fingerprint\"; add its certificate's SHA-256", o.what)
	}
	return b
}

// second is another way to the BMC, for when the first fails.
func (p *parser) second(bmc object) metal.BMCWay {
	if !bmc.has("second") {
		return metal.BMCWay{}
	}
	o := p.object(entry{"second of " + bmc.what, bmc.at("second"), bmc.values["second"]}, []string{"protocol", "address"}, nil)
	way := metal.BMCWay{Protocol: choice(o, "protocol", metal.Redfish, metal.IPMI)}
	way.Address = p.endpoint(o, standardPort(way.Protocol))
	return way
}

// standardPort is where a BMC listens whose address names no port.
func standardPort(protocol metal.Protocol) string {
	if protocol == metal.IPMI {
		return "623"
	}
	return "443"
}

func (p *parser) nics(machine object) (nics []NIC) {
	for _, n := range machine.list("nics") {
		nic := p.nic(n, "NIC of "+machine.what)
		if !slices.ContainsFunc(nics, func(other NIC) bool { return other.Port == nic.Port }) {
			p.ports++
		}
		nics = append(nics, nic)
	}
	return nics
}

// The drivers that a switch may name; the first where it names none.
const (
	junosDriver driver = "junos"
	frrDriver   driver = "frr"
)

type driver string

// linuxPortForm is an interface of a Linux switch (IFNAMSIZ, 15 characters).
var linuxPortForm = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,14}$`)

// bundleForm is an aggregated interface.
var bundleForm = regexp.MustCompile(`^ae[0-9]{1,4}$`)

// portForm is a Junos physical interface, a channel of one, or a bundle. A unit
// such as ".0" is refused, because a port has exactly one.
var portForm = regexp.MustCompile(`^([a-z]{2,4}-[0-9]{1,3}/[0-9]{1,3}/[0-9]{1,3}(:[0-9]{1,2})?|ae[0-9]{1,4})$`)

func (p *parser) nic(n *yaml.Node, what string) NIC {
	o := p.object(entry{what, n.Line, n}, []string{"mac", "switch", "port"}, []string{"bundle"})
	nic := NIC{
		MAC:  p.mac(o),
		Port: metal.Port{Switch: metal.SwitchID(o.text("switch")), Name: o.text("port")},
	}
	knows(p, o.at("switch"), "switch", nic.Port.Switch, names(p.site.Switches, func(s Switch) metal.SwitchID { return s.ID }))
	if nic.Port.Name == "" || nic.Port.Switch == "" {
		return nic
	}
	form := portForm
	if p.driverOf(nic.Port.Switch) == string(frrDriver) {
		form = linuxPortForm
	}
	if !form.MatchString(nic.Port.Name) {
		p.problem(o.at("port"), "port of %s is %q; write an interface like xe-0/0/7 or ae7, without its unit", what, nic.Port.Name)
	}
	p.once("port", nic.Port.String(), o.at("port"))
	if bundle := o.text("bundle"); o.values["bundle"] != nil {
		if !bundleForm.MatchString(bundle) {
			p.problem(o.at("bundle"), "bundle of %s is %q; write an aggregated interface like ae7", what, bundle)
		}
		nic.Member, nic.Port.Name = nic.Port.Name, bundle
		p.oneBundle(nic.Port, what, o.at("bundle"))
	}
	return nic
}

func (p *parser) driverOf(id metal.SwitchID) string {
	for _, s := range p.site.Switches {
		if s.ID == id {
			return s.Driver
		}
	}
	return ""
}

// oneBundle keeps a bundle to the NICs of one machine.
func (p *parser) oneBundle(port metal.Port, what string, line int) {
	if other, known := p.bundles[port]; known && other != what {
		p.problem(line, "bundle %s is that of a %s too; machines do not share bundles", port, other)
	}
	p.bundles[port] = what
}

func (p *parser) mac(o object) string {
	text := o.text("mac")
	if text == "" {
		return ""
	}
	mac, err := net.ParseMAC(text)
	// The lowest bit of the first byte marks a group: no NIC has such a MAC.
	if err != nil || len(mac) != 6 || mac[0]&1 == 1 {
		p.problem(o.at("mac"), "mac of %s is %q; write a NIC's six bytes like 02:00:5e:10:00:01", o.what, text)
		return ""
	}
	p.once("MAC", mac.String(), o.at("mac"))
	return mac.String()
}

func (p *parser) disks(machine object) (disks []Disk) {
	for _, n := range machine.list("disks") {
		o := p.object(entry{"disk of " + machine.what, n.Line, n}, []string{"serial", "size_gb"}, nil)
		disk := Disk{o.text("serial"), o.number("size_gb")}
		if disk.Serial != "" {
			p.once("disk serial", disk.Serial, o.at("serial"))
		}
		disks = append(disks, disk)
	}
	return disks
}
