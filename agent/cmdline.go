package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"millwright/internal/metal"
	"millwright/internal/netboot"
)

// complete fills in from the kernel's command line what no flag said. Without
// all three the agent has nobody to ask, and no retry changes that.
func (f *flags) complete() error {
	arguments, err := os.ReadFile(f.Cmdline)
	if err != nil {
		return fmt.Errorf("read the kernel's command line: %w", err)
	}
	said := parameters(string(arguments))
	if f.URL == "" {
		f.URL = said[netboot.ArgURL]
	}
	if f.Token == "" {
		f.Token = said[netboot.ArgToken]
	}
	if text := said[netboot.ArgBoot]; f.Boot == 0 && text != "" {
		number, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return fmt.Errorf("%s=%q: want the number of this boot", netboot.ArgBoot, text)
		}
		f.Boot = metal.BootNumber(number)
	}
	for name, missing := range map[string]bool{
		netboot.ArgURL: f.URL == "", netboot.ArgToken: f.Token == "", netboot.ArgBoot: f.Boot == 0,
	} {
		if missing {
			return fmt.Errorf("%s is neither a flag nor on the kernel's command line", name)
		}
	}
	return nil
}

// parameters are the "name=value" words of a command line; the last of a name
// counts, as it does for the kernel.
func parameters(line string) map[string]string {
	said := map[string]string{}
	for _, word := range strings.Fields(line) {
		if name, value, given := strings.Cut(word, "="); given {
			said[name] = value
		}
	}
	return said
}
