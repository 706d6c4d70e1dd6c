package firstboot

import (
	"bytes"
	"fmt"

	"go.yaml.in/yaml/v3"

	"millwright/internal/metal"
)

// seedLabel is the file system label that cloud-init's NoCloud source looks
// for; in capitals, as FAT has it.
const seedLabel = "CIDATA"

// seed is the NoCloud source's four files.
func (s system) seed() (*metal.Seed, error) {
	meta, err := yaml.Marshal(s.metaData())
	if err != nil {
		return nil, fmt.Errorf("meta-data: %w", err)
	}
	network, err := yaml.Marshal(s.network.netplan(s.OperatingSystem.Distro))
	if err != nil {
		return nil, fmt.Errorf("network-config: %w", err)
	}
	return &metal.Seed{Label: seedLabel, Files: []metal.File{
		{Path: "meta-data", Body: meta},
		{Path: "network-config", Body: network},
		{Path: "user-data", Body: s.userData()},
		{Path: "vendor-data", Body: []byte(s.vendorData())},
	}}, nil
}

// metaData is who the system is. Each boot that installs is an instance of its
// own, so that cloud-init begins anew on a disk that kept something.
type metaData struct {
	InstanceID quoted   `yaml:"instance-id"`
	Hostname   quoted   `yaml:"local-hostname"`
	Keys       []quoted `yaml:"public-keys,omitempty"`
}

// quoted is text that stands in quotes in YAML: to YAML 1.1, which cloud-init
// reads, a MAC such as 52:54:00:00:00:07 is a number in base 60, and a host
// called on is true.
type quoted string

// MarshalYAML is for package yaml.
func (q quoted) MarshalYAML() (any, error) {
	return &yaml.Node{Kind: yaml.ScalarNode, Style: yaml.DoubleQuotedStyle, Tag: "!!str", Value: string(q)}, nil
}

func (s system) metaData() metaData {
	m := metaData{InstanceID: quoted(fmt.Sprintf("%s-%d", s.Device, s.boot)), Hostname: quoted(s.Hostname)}
	for _, key := range s.SSHKeys {
		m.Keys = append(m.Keys, quoted(key))
	}
	return m
}

// userData is the tenant's, byte for byte; but a script for iPXE is none for
// the installed system.
func (s system) userData() []byte {
	if bytes.HasPrefix(s.UserData, []byte(scriptMark)) {
		return nil
	}
	return s.UserData
}

// rootToo lets the keys log in as root, as Packet did, and as the image's own
// user. A tenant's user data may say otherwise: it goes before vendor data.
const rootToo = `#cloud-config
disable_root: false
`

// boundary separates the parts of our vendor data: a text that is in none of
// them.
const boundary = "==millwright-vendor-data=="

// vendorData is what we tell the system beside the tenant's user data.
func (s system) vendorData() string {
	var out bytes.Buffer
	fmt.Fprintf(&out, "Content-Type: multipart/mixed; boundary=%q\nMIME-Version: 1.0\n\n", boundary)
	for _, part := range []struct{ kind, name, text string }{
		{"text/cloud-config", "login.cfg", rootToo},
		{"text/cloud-boothook", "millwright.sh", s.bootHook()},
	} {
		fmt.Fprintf(&out, "--%s\nContent-Type: %s; charset=\"us-ascii\"\nMIME-Version: 1.0\nContent-Disposition: attachment; filename=%q\n\n%s\n",
			boundary, part.kind, part.name, part.text)
	}
	fmt.Fprintf(&out, "--%s--\n", boundary)
	return out.String()
}
