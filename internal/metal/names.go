package metal

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
)

// Sentinels of names in the DNS, none of which a retry can mend.
var (
	ErrInvalidName = errors.New("not a host name")
	ErrNameTaken   = errors.New("the name is somebody else's")
	ErrBadZone     = errors.New("the zone cannot be updated")
)

const (
	longestLabel = 63  // RFC 1035 section 2.3.4
	longestName  = 253 // the same section's 255 octets, as text without a final dot
)

// Record is a name with its addresses, and who it is for. Only that owner's
// runs can change it or take it away.
type Record struct {
	Name      string
	Addresses []netip.Addr // IPv4 and IPv6 together; at least one
	Owner     Holder
}

// Pointer is the name of an address: a PTR record.
type Pointer struct {
	Address netip.Addr
	Name    string // anywhere in the DNS; nobody checks that it leads back
	Owner   Holder
}

// OwnedName is a name in a zone that Millwright made, as the zone itself says.
type OwnedName struct {
	Name  string
	Owner Holder
}

// NameTaken says whose a name is that was asked for. It wraps ErrNameTaken.
type NameTaken struct {
	Name string
	By   Holder // empty where Millwright did not make it
	What string // what stands there, for people
}

func (e *NameTaken) Error() string {
	by := "not made by Millwright; remove it by hand, or choose another name"
	if e.By != "" {
		by = "of " + string(e.By)
	}
	return fmt.Sprintf("%s has %s, %s: %v", e.Name, e.What, by, ErrNameTaken)
}

func (e *NameTaken) Unwrap() error { return ErrNameTaken }

// HostName gives a host name in the one form that it is kept and compared in:
// lower case, without a final dot. It follows RFC 1123 section 2.1: labels of
// letters, digits and hyphens; neither wildcards nor underscores.
func HostName(name string) (string, error) {
	text := strings.TrimSuffix(name, ".")
	if len(text) > longestName {
		return "", fmt.Errorf("name of %d characters: want at most %d: %w", len(text), longestName, ErrInvalidName)
	}
	labels := strings.Split(text, ".")
	for i, label := range labels {
		if why := badLabel(label); why != "" {
			return "", fmt.Errorf("name %q: label %d, %q, %s: %w", name, i+1, label, why, ErrInvalidName)
		}
	}
	// The check on ASCII comes first: U+212A, the Kelvin sign, becomes a k here.
	text = strings.ToLower(text)
	if last := labels[len(labels)-1]; len(labels) > 1 && strings.Trim(last, "0123456789") == "" {
		return "", fmt.Errorf("name %q: label %d, %q, is a number, as if this were an address: %w", name, len(labels), last, ErrInvalidName)
	}
	return text, nil
}

// FullName is HostName for a name that has to mean the same everywhere, as the
// target of a PTR has: it has two labels at least.
func FullName(name string) (string, error) {
	full, err := HostName(name)
	if err == nil && !strings.Contains(full, ".") {
		return "", fmt.Errorf("name %q: want it with its domain, as in %s.example.net: %w", name, full, ErrInvalidName)
	}
	return full, err
}

// badLabel says what is wrong with a label; empty where nothing is.
func badLabel(label string) string {
	switch {
	case label == "":
		return "is empty"
	case len(label) > longestLabel:
		return fmt.Sprintf("is longer than %d characters", longestLabel)
	case strings.Contains(label, "*"):
		return "is a wildcard"
	}
	for _, r := range label {
		switch {
		case r > 0x7f:
			return fmt.Sprintf("has %q: write it as punycode, xn--…", r)
		case !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-", r):
			return fmt.Sprintf("has %q: want letters, digits and hyphens", r)
		}
	}
	if strings.HasPrefix(label, "-") || strings.HasSuffix(label, "-") {
		return "begins or ends with a hyphen"
	}
	return ""
}

// DeviceNames are the names that a device may have in a zone, the better one
// first: web1.acme.lab1.example.net, and with a piece of its ID for the device
// whose project has a web1 already. Projects are labels of their own, so that
// no tenant can take a name of another's. Of a host name with a domain only
// the first label counts: the domain is the tenant's to serve.
func DeviceNames(hostname string, device DeviceID, project ProjectID, zone string) ([]string, error) {
	host, err := HostName(hostname)
	if err != nil {
		return nil, fmt.Errorf("device %s: %w", device, err)
	}
	label, _, _ := strings.Cut(host, ".")
	short, _, _ := strings.Cut(string(device), "-") // 8 digits of a UUID
	stem := label[:min(len(label), longestLabel-len(short)-1)]
	plain, err := inProject(label, project, zone)
	if err != nil {
		return nil, fmt.Errorf("device %s: %w", device, err)
	}
	unique, err := inProject(strings.TrimRight(stem, "-")+"-"+short, project, zone)
	if err != nil {
		return nil, fmt.Errorf("device %s: %w", device, err)
	}
	return []string{plain, unique}, nil
}

// AddressName is what an address of a reservation is called until its project
// says otherwise: 198-51-100-7.acme.lab1.example.net. IPv6 is written out,
// because a label cannot begin with the hyphen that "::1" would give it.
func AddressName(addr netip.Addr, project ProjectID, zone string) (string, error) {
	text := strings.NewReplacer(".", "-", ":", "-").Replace(addr.Unmap().WithZone("").StringExpanded())
	return inProject(text, project, zone)
}

func inProject(label string, project ProjectID, zone string) (string, error) {
	if why := badLabel(string(project)); why != "" {
		return "", fmt.Errorf("project %q as a label of a name %s: %w", project, why, ErrInvalidName)
	}
	return FullName(label + "." + string(project) + "." + zone)
}
