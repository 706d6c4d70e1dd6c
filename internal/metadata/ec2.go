package metadata

import (
	"sort"
	"strings"
)

// tree is the EC2-style view of a document: text by path under
// /2009-04-04/meta-data/. What the device does not have is not listed.
func tree(d Document) map[string]string {
	t := map[string]string{
		"instance-id":              d.ID,
		"hostname":                 d.Hostname,
		"local-hostname":           d.Hostname, // cloud-init's Ec2 source takes this one
		"iqn":                      d.IQN,
		"plan":                     d.Plan,
		"facility":                 d.Facility,
		"tags":                     strings.Join(d.Tags, "\n"),
		"operating-system/slug":    d.OperatingSystem.Slug,
		"operating-system/distro":  d.OperatingSystem.Distro,
		"operating-system/version": d.OperatingSystem.Version,
		"public-keys":              strings.Join(d.SSHKeys, "\n"),
		"operating-system/license_activation/state": d.OperatingSystem.LicenseActivation.State,
	}
	for _, a := range d.Network.Addresses {
		// One address fits each name: the link's, which the system has.
		if name := ec2Name(a); t[name] == "" && a.Management && a.Address != a.Gateway {
			t[name] = a.Address
		}
	}
	for path, value := range t {
		if value == "" {
			delete(t, path)
		}
	}
	return t
}

func ec2Name(a address) string {
	switch {
	case a.AddressFamily == 6:
		return "public-ipv6"
	case a.Public:
		return "public-ipv4"
	}
	return "local-ipv4"
}

// browse gives the text at a path, or the list of what stands below it, each
// folder with a slash, as EC2 does.
func browse(t map[string]string, path string) (string, bool) {
	path = strings.Trim(path, "/")
	if value, ok := t[path]; ok {
		return value, true
	}
	seen := map[string]bool{}
	for name := range t {
		rest, below := strings.CutPrefix(name, path+"/")
		if path == "" {
			rest, below = name, true
		}
		if !below {
			continue
		}
		first, _, folder := strings.Cut(rest, "/")
		if folder {
			first += "/"
		}
		seen[first] = true
	}
	names := make([]string, 0, len(seen))
	for name := range seen {
		names = append(names, name)
	}
	sort.Strings(names)
	return strings.Join(names, "\n"), len(names) > 0
}
