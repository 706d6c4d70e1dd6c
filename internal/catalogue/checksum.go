package catalogue

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"strings"
)

// Form is how a vendor's checksums are written.
type Form string

const (
	SHA256Sums Form = "sha256sums" // sha256sum(1): digest, blank, blank or asterisk, file name
	SHA512Sums Form = "sha512sums" // sha512sum(1)
	Tagged     Form = "bsd-sha256" // sha256sum --tag: SHA256 (file) = digest
	Digests    Form = "digests"    // Flatcar: a line "# SHA512 HASH" before a line of sha512sum(1)
	Stream     Form = "stream"     // Fedora CoreOS: stream metadata, JSON; names the image's URL, too
)

var forms = []Form{SHA256Sums, SHA512Sums, Tagged, Digests, Stream}

// ErrNoChecksum is a list that does not have the image.
var ErrNoChecksum = errors.New("no checksum of the image")

// Published is an image with the digest that its vendor gives.
type Published struct {
	URL       string
	Algorithm string // sha256 or sha512
	Digest    string // lower-case hex, of the file as it is downloaded
}

// Published reads a vendor's list, as fetched from Checksums.URL.
func (i Image) Published(list []byte) (Published, error) {
	p := Published{URL: i.URL, Algorithm: "sha256"}
	var err error
	switch i.Checksums.Form {
	case SHA512Sums, Digests:
		p.Algorithm = "sha512"
		p.Digest = inSums(list, path.Base(i.URL), i.Checksums.Form == Digests)
	case SHA256Sums:
		p.Digest = inSums(list, path.Base(i.URL), false)
	case Tagged:
		p.Digest = inTagged(list, path.Base(i.URL))
	case Stream:
		p.URL, p.Digest, err = inStream(list, i)
	}
	if err != nil {
		return Published{}, fmt.Errorf("read %s: %w", i.Checksums.URL, err)
	}
	size := map[string]int{"sha256": 32, "sha512": 64}[p.Algorithm]
	if raw, err := hex.DecodeString(p.Digest); err != nil || len(raw) != size || !secure(p.URL) {
		return Published{}, fmt.Errorf("%s, as %s, for %s: %w; has its vendor changed the list?",
			i.Checksums.URL, i.Checksums.Form, i.Arch, ErrNoChecksum)
	}
	return p, nil
}

// inSums finds a file's digest in what sha256sum or sha512sum wrote; with
// titled, under the title of SHA-512 alone.
func inSums(list []byte, file string, titled bool) string {
	ours := !titled
	for line := range strings.Lines(string(list)) {
		if strings.HasPrefix(line, "#") {
			ours = !titled || strings.Contains(line, "SHA512 ")
			continue
		}
		fields := strings.Fields(line)
		if ours && len(fields) == 2 && strings.TrimPrefix(fields[1], "*") == file {
			return strings.ToLower(fields[0])
		}
	}
	return ""
}

func inTagged(list []byte, file string) string {
	for line := range strings.Lines(string(list)) {
		if digest, ok := strings.CutPrefix(strings.TrimSpace(line), "SHA256 ("+file+") = "); ok {
			return strings.ToLower(digest)
		}
	}
	return ""
}

// inStream finds the metal image of an architecture in Fedora CoreOS's stream
// metadata.
func inStream(list []byte, i Image) (url, digest string, err error) {
	type disk struct {
		Disk struct {
			Location string `json:"location"`
			SHA256   string `json:"sha256"`
		} `json:"disk"`
	}
	var stream struct {
		Architectures map[string]struct {
			Artifacts map[string]struct {
				Formats map[string]disk `json:"formats"`
			} `json:"artifacts"`
		} `json:"architectures"`
	}
	if err := json.Unmarshal(list, &stream); err != nil {
		return "", "", err
	}
	d := stream.Architectures[i.Arch].Artifacts["metal"].Formats[i.Format].Disk
	return d.Location, d.SHA256, nil
}
