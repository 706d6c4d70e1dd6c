package firstboot

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

const cloudConfigMark = "#cloud-config"

// otherMarks begin what cloud-init reads and we do not look into.
var otherMarks = []string{
	"#!", "#include", "#cloud-boothook", "#part-handler", "## template:",
}

// mimeHead is how MIME begins: cloud-init takes text for MIME by this field.
var mimeHead = regexp.MustCompile(`(?i)^(content-type|mime-version|from |content-transfer-encoding|content-disposition|number-attachments|to|subject|date)[:\s]`)

// maxDepth is how deep messages may lie in messages.
const maxDepth = 5

// wrongPart looks at user data, or a part of it.
func wrongPart(body []byte, depth int) string {
	first, _, _ := bytes.Cut(body, []byte("\n"))
	line := strings.TrimRight(string(first), " \t\r")
	switch {
	case line == cloudConfigMark:
		return wrongYAML(body, yaml.MappingNode)
	case line == "#cloud-config-archive":
		return wrongYAML(body, yaml.SequenceNode)
	case strings.HasPrefix(line, "#cloud-config-jsonp"):
		return ""
	case strings.HasPrefix(line, cloudConfigMark):
		return "its first line has more than #cloud-config in it; leave that alone on the line"
	case mimeHead.Match(body):
		return wrongMIME(body, depth)
	case bytes.HasPrefix(bytes.TrimSpace(body), []byte("{")):
		return "it looks like an Ignition configuration, and this system reads cloud-init's; begin with #cloud-config or #!"
	}
	for _, mark := range otherMarks {
		if strings.HasPrefix(line, mark) {
			return ""
		}
	}
	return "cloud-init would ignore it; begin with #cloud-config, with #! and a program, or with MIME fields"
}

// wrongYAML parses without deciding about keys: which of them there are depends
// on the version of cloud-init in the image.
func wrongYAML(body []byte, want yaml.Kind) string {
	var document yaml.Node
	err := yaml.Unmarshal(body, &document)
	if err != nil {
		return "its YAML does not parse: " + lineOf(err)
	}
	if len(document.Content) == 0 {
		return "" // comments alone
	}
	if got := document.Content[0]; got.Kind != want {
		return fmt.Sprintf("its YAML, in line %d, is no mapping of keys to values; an archive is a list", got.Line)
	}
	return ""
}

var yamlLine = regexp.MustCompile(`line \d+`)

// lineOf keeps of a parser's error the line alone: the rest may quote the data.
func lineOf(err error) string {
	if at := yamlLine.FindString(err.Error()); at != "" {
		return "see " + at
	}
	return "check it with a YAML parser, or with cloud-init schema"
}

// wrongMIME reads a message and looks into its parts.
func wrongMIME(body []byte, depth int) string {
	if depth > maxDepth {
		return fmt.Sprintf("its MIME is more than %d messages deep", maxDepth)
	}
	message, err := mail.ReadMessage(bytes.NewReader(body))
	if err != nil {
		return "its MIME has no header that can be read; have cloud-init devel make-mime write it"
	}
	kind, parameters, err := mime.ParseMediaType(message.Header.Get("Content-Type"))
	if err != nil || !strings.HasPrefix(kind, "multipart/") {
		return "its MIME is not multipart, or its Content-Type cannot be read; have cloud-init devel make-mime write it"
	}
	parts := multipart.NewReader(message.Body, parameters["boundary"])
	for n := 1; ; n++ {
		part, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) && n > 1 {
			return ""
		}
		if err != nil {
			return fmt.Sprintf("its MIME ends before part %d does; is the boundary right?", n)
		}
		if why := wrongMIMEPart(part, depth); why != "" {
			return fmt.Sprintf("part %d of its MIME: %s", n, why)
		}
	}
}

// wrongMIMEPart looks at the kinds that begin with a mark of their own.
func wrongMIMEPart(part *multipart.Part, depth int) string {
	kind, _, err := mime.ParseMediaType(part.Header.Get("Content-Type"))
	if err != nil {
		return "its Content-Type cannot be read"
	}
	var from io.Reader = part
	switch strings.ToLower(part.Header.Get("Content-Transfer-Encoding")) {
	case "base64":
		from = base64.NewDecoder(base64.StdEncoding, part)
	case "quoted-printable":
		from = quotedprintable.NewReader(part)
	}
	body, err := io.ReadAll(io.LimitReader(from, maxUnpacked))
	if err != nil {
		return "it ends too early, or is not encoded as it says"
	}
	switch {
	case kind == "text/cloud-config":
		return wrongYAML(body, yaml.MappingNode)
	case kind == "text/plain" || strings.HasPrefix(kind, "multipart/"):
		return wrongPlain(body, depth)
	}
	return ""
}

// wrongPlain: cloud-init guesses what text/plain is, and lets pass what it does
// not know.
func wrongPlain(body []byte, depth int) string {
	if !bytes.HasPrefix(body, []byte("#")) && !mimeHead.Match(body) {
		return ""
	}
	return wrongPart(body, depth+1)
}
