package firstboot

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/coreos/ignition/v2/config"
	"github.com/coreos/vcontext/report"
)

// wrongForIgnition has Ignition's own parser look at a configuration.
func wrongForIgnition(body []byte) string {
	text := bytes.TrimSpace(body)
	switch {
	case bytes.HasPrefix(body, []byte{0x1f, 0x8b}):
		return "it is compressed, and Ignition takes user data as it is; give it plain"
	case bytes.HasPrefix(text, []byte(cloudConfigMark)):
		return "this system has no cloud-init: it reads an Ignition configuration, in JSON; write it in Butane's YAML and transpile it with butane"
	case bytes.HasPrefix(text, []byte("variant:")) || bytes.HasPrefix(text, []byte("version:")):
		return "it is Butane's YAML; transpile it with butane, and give what comes out"
	case !bytes.HasPrefix(text, []byte("{")):
		return "it is no JSON object; this system reads an Ignition configuration, such as butane writes"
	}
	_, found, err := config.Parse(body)
	for _, e := range found.Entries {
		if e.Kind == report.Error {
			return "its Ignition configuration is wrong: " + entry(e)
		}
	}
	if err != nil {
		return "its Ignition configuration is wrong: " + unquoted(err.Error())
	}
	return ""
}

// entry is a finding of the parser with its place.
func entry(e report.Entry) string {
	place := e.Context.String()
	if at := e.Marker.StartP; at != nil {
		place += fmt.Sprintf(", line %d", at.Line)
	}
	return unquoted(e.Message) + " at " + place
}

// unquoted drops what the parser quotes: it may be a secret.
func unquoted(message string) string {
	before, _, quotes := strings.Cut(message, `"`)
	if quotes {
		return strings.TrimRight(before, " :") + " …"
	}
	return before
}
