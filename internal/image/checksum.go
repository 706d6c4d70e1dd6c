package image

import (
	"bufio"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"path"
	"regexp"
	"strings"
)

// Checksum is what a vendor published about a file: SHA-256, SHA-384 or
// SHA-512. The zero Checksum says that nothing was published.
type Checksum string // lower-case hexadecimal; its length names the algorithm

// Lines of checksum files: of the BSD tools ("SHA256 (name) = 12ab"), of the
// GNU tools ("12ab *name"), and a hash alone.
var (
	bsdLine = regexp.MustCompile(`^(SHA256|SHA384|SHA512) \((.+)\) = ([0-9a-fA-F]+)$`)
	gnuLine = regexp.MustCompile(`^\\?([0-9a-fA-F]{64,128})[ \t]+\*?(.+)$`)
	oneLine = regexp.MustCompile(`^([0-9a-fA-F]{64,128})$`)
)

// digits are the lengths of hashes in hexadecimal that we trust.
var digits = map[string]int{"SHA256": 64, "SHA384": 96, "SHA512": 128}

// FindChecksum looks a file up in what vendors publish beside their images:
// SHA256SUMS, SHA512SUMS, CHECKSUM with BSD lines, name.sha256; inside a PGP
// clear signature too, which it does not verify. MD5 and SHA-1 are no proof of
// anything and are passed over. Where several fit, the longest wins.
func FindChecksum(r io.Reader, file string) (Checksum, error) {
	var found, alone Checksum
	var loners int
	lines := bufio.NewScanner(io.LimitReader(r, 16<<20))
	for lines.Scan() {
		sum, name := parseLine(strings.TrimSpace(lines.Text()))
		switch {
		case sum == "":
		case name == "":
			alone, loners = sum, loners+1
		case path.Base(name) != path.Base(file):
		case len(sum) == len(found) && sum != found:
			return "", fmt.Errorf("checksums: %s stands there twice, with different hashes: ask its vendor", file)
		case len(sum) > len(found):
			found = sum
		}
	}
	if err := lines.Err(); err != nil {
		return "", fmt.Errorf("checksums: %w", err)
	}
	if found == "" && loners == 1 {
		found = alone
	}
	if found == "" {
		return "", fmt.Errorf("checksums: no SHA-256 or longer of %s among them", file)
	}
	return found, nil
}

func parseLine(line string) (sum Checksum, name string) {
	if m := bsdLine.FindStringSubmatch(line); m != nil && len(m[3]) == digits[m[1]] {
		return Checksum(strings.ToLower(m[3])), m[2]
	}
	m := gnuLine.FindStringSubmatch(line)
	if m == nil {
		m = append(oneLine.FindStringSubmatch(line), "")
	}
	if len(m) < 3 || Checksum(m[1]).algorithm() == nil {
		return "", ""
	}
	return Checksum(strings.ToLower(m[1])), m[2]
}

func (c Checksum) algorithm() hash.Hash {
	switch len(c) {
	case digits["SHA256"]:
		return sha256.New()
	case digits["SHA384"]:
		return sha512.New384()
	case digits["SHA512"]:
		return sha512.New()
	}
	return nil
}

// Verify reads all of r. Only then may anything else look into it.
func (c Checksum) Verify(r io.Reader) error {
	h := c.algorithm()
	if h == nil {
		return fmt.Errorf("checksum %.140q is no SHA-256, SHA-384 or SHA-512", string(c))
	}
	if _, err := io.Copy(h, r); err != nil {
		return err
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != strings.ToLower(string(c)) {
		return fmt.Errorf("its hash is %s, published is %s: %w: fetch it again", got, string(c), ErrChecksum)
	}
	return nil
}
