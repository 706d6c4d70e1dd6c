//go:build linux

package ramsystem

import (
	"errors"
	"fmt"
	"net"
	"strings"
)

// arguments are what the kernel's command line says about the network.
type arguments struct {
	mac  string   // of the NIC to ask on; empty: all
	bond []string // MACs of the NICs of an LACP bond
	line string
}

const (
	argMAC  = "millwright.mac"
	argBond = "millwright.bond"
	// pxelinux writes it with IPAT, and iPXE's BOOTIF=01-${net0/mac:hexhyp} is
	// the same form: the hardware type, then the address.
	argBootIF = "BOOTIF"
)

// parseArguments gives what it understood, and an error for the rest.
func parseArguments(line string) (arguments, error) {
	a := arguments{line: strings.TrimSpace(line)}
	var wrong []error
	for _, word := range strings.Fields(line) {
		name, value, _ := strings.Cut(word, "=")
		switch name {
		case argMAC:
			wrong = append(wrong, set(&a.mac, name, value))
		case argBootIF:
			wrong = append(wrong, set(&a.mac, name, strings.TrimPrefix(value, "01-")))
		case argBond:
			a.bond = nil
			for _, text := range strings.Split(value, ",") {
				var mac string
				wrong = append(wrong, set(&mac, name, text))
				if mac != "" {
					a.bond = append(a.bond, mac)
				}
			}
		}
	}
	return a, errors.Join(wrong...)
}

func set(mac *string, name, text string) error {
	parsed, err := net.ParseMAC(strings.ReplaceAll(text, "-", ":"))
	if err != nil {
		return fmt.Errorf("%s: %q is no MAC address", name, text)
	}
	*mac = parsed.String()
	return nil
}

// consoles are the words by which the kernel finds its consoles.
func (a arguments) consoles() []string {
	var words []string
	for _, word := range strings.Fields(a.line) {
		if strings.HasPrefix(word, "console=") {
			words = append(words, word)
		}
	}
	return words
}
