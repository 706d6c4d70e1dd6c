package main

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
)

// mostAddresses keeps a slip of a prefix's length from filling the memory.
const mostAddresses = 4096

// expand lists the addresses of ranges: 10.0.0.1-10.0.0.40, 10.0.0.0/27, or
// single ones, with a port where it is another than the usual.
func expand(ranges []string) ([]string, error) {
	var all []string
	for _, text := range ranges {
		some, err := expandOne(strings.TrimSpace(text))
		if err != nil {
			return nil, fmt.Errorf("--bmc %s: %w", text, err)
		}
		if all = append(all, some...); len(all) > mostAddresses {
			return nil, fmt.Errorf("--bmc %s: these are more than %d addresses; give a part of them at a time", text, mostAddresses)
		}
	}
	return all, nil
}

func expandOne(text string) ([]string, error) {
	first, last, isRange := strings.Cut(text, "-")
	if prefix, err := netip.ParsePrefix(text); err == nil {
		return ofPrefix(prefix)
	}
	from, err := netip.ParseAddr(strings.TrimSpace(first))
	if !isRange || err != nil {
		if _, wrong := bmcAddress(text); wrong != nil {
			return nil, errors.New("want an address, a prefix, or a range as 10.0.0.1-10.0.0.40")
		}
		return []string{text}, nil
	}
	to, err := netip.ParseAddr(strings.TrimSpace(last))
	if err != nil || to.BitLen() != from.BitLen() || to.Less(from) {
		return nil, errors.New("a range ends with an address of the same kind that is not before its first")
	}
	return between(from, to)
}

// ofPrefix lists the addresses of a prefix that a BMC can have: in IPv4 not the
// first and the last.
func ofPrefix(prefix netip.Prefix) ([]string, error) {
	prefix = prefix.Masked()
	host := prefix.Addr().BitLen() - prefix.Bits()
	if host > 12 {
		return nil, fmt.Errorf("these are more than %d addresses; give a part of them at a time", mostAddresses)
	}
	from, to := prefix.Addr(), prefix.Addr()
	for range 1<<host - 1 {
		to = to.Next()
	}
	if from.Is4() && host > 1 {
		from, to = from.Next(), to.Prev()
	}
	return between(from, to)
}

func between(from, to netip.Addr) (all []string, err error) {
	for a := from; a.IsValid() && !to.Less(a); a = a.Next() {
		if all = append(all, a.String()); len(all) > mostAddresses {
			return nil, fmt.Errorf("these are more than %d addresses; give a part of them at a time", mostAddresses)
		}
	}
	return all, nil
}

// patternForm is a text with one place for a number: r1u%d, or r1u%02d.
var patternForm = regexp.MustCompile(`^[^%]*%(0[1-9])?d[^%]*$`)

// pattern makes names of numbers.
type pattern string

// with puts a number in. A text without a place for one is what it is.
func (p pattern) with(n int) string {
	if !strings.Contains(string(p), "%") {
		return string(p)
	}
	return fmt.Sprintf(string(p), n)
}

// fits refuses what Sprintf would do something else with.
func (p pattern) fits(flag string) error {
	if strings.Contains(string(p), "%") && !patternForm.MatchString(string(p)) {
		return fmt.Errorf("--%s %s: want at most one place for a number, as r1u%%d or r1u%%02d", flag, p)
	}
	return nil
}

// fill adds what a line does not say and the flags do. Units and ports are
// counted from the first line on.
func (c enrolCommand) fill(lines []enrolLine) {
	for i := range lines {
		f := lines[i].fields
		or := func(column, otherwise string) {
			if f[column] == "" {
				f[column] = otherwise
			}
		}
		if c.Unit > 0 {
			or("unit", strconv.Itoa(c.Unit+i*c.Height))
		}
		unit, _ := strconv.Atoi(f["unit"]) // checked later, with everything else
		or("name", c.Name.with(unit))
		or("rack", string(c.Rack))
		or("plan", string(c.Plan))
		or("firmware", c.Firmware)
		or("switch", string(c.Switch))
		or("port", c.Port.with(c.PortFrom+i))
		or("kexec", strconv.FormatBool(c.Kexec))
	}
}
