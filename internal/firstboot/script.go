package firstboot

import (
	"bytes"
	"strings"
)

// scriptMark begins every script for iPXE.
const scriptMark = "#!ipxe"

// Script is what a tenant wants a machine to boot instead of a system of ours.
type Script struct {
	URL  string // to fetch it from, by the machine; empty where Body is it
	Body []byte
}

// ScriptOf tells the script of a device: the URL that its order named, or else
// its user data where that is a script. False where there is neither.
func ScriptOf(url string, userData []byte) (Script, bool) {
	if url != "" {
		return Script{URL: url}, true
	}
	if bytes.HasPrefix(userData, []byte(scriptMark)) {
		return Script{Body: userData}, true
	}
	return Script{}, false
}

// Text is the script that boot serves: the tenant's own, or one that fetches
// it. The URL was checked when the order was parsed: it has no blanks.
func (s Script) Text() string {
	if s.URL == "" {
		return string(s.Body)
	}
	lines := []string{
		scriptMark,
		":again",
		"chain --autofree " + s.URL + " && exit ||",
		"echo The script of this device cannot be fetched, or came to nothing: " + s.URL,
		"sleep 10",
		"goto again", // for ever: the tenant may be mending it, and a disk without a system is no better
		"",
	}
	return strings.Join(lines, "\n")
}
