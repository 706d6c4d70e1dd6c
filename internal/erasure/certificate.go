package erasure

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"millwright/internal/metal"
)

// Mode is how thoroughly a disk is to be erased.
type Mode string

const (
	// Full leaves nothing that the disk's interface can read back.
	Full Mode = "full"
	// Express removes what makes a disk's content found again (partition tables,
	// signatures, mapped blocks, the media key where that is quick). It is for a
	// machine that stays with its tenant.
	Express Mode = "express"
)

// Grade is the class of NIST SP 800-88 Rev. 1, section 2.5, that a method
// belongs to.
type Grade string

const (
	Purge      Grade = "purge" // out of a laboratory's reach too
	Clear      Grade = "clear" // out of reach through the disk's interface
	Ungraded   Grade = "none"  // express: no claim is made
	maxNotes         = 64      // a certificate stays a page
	maxNoteLen       = 500
)

// Erased is the one Result of a certificate. Whatever else happened is an
// error, never a certificate.
const Erased = "erased"

// Certificate says that one disk was erased. Its fields keep their order: it is
// the order of the canonical bytes.
type Certificate struct {
	Machine   metal.MachineID  `json:"machine"`
	Device    metal.DeviceID   `json:"device,omitempty"` // whose content it was; none for a machine that is new here
	Boot      metal.BootNumber `json:"boot"`             // of the agent that erased
	Path      string           `json:"path"`
	Serial    string           `json:"serial"`
	Model     string           `json:"model"`
	Firmware  string           `json:"firmware,omitempty"`
	WWN       string           `json:"wwn,omitempty"`
	Transport string           `json:"transport"`
	Size      int64            `json:"size"`
	Mode      Mode             `json:"mode"`
	Method    string           `json:"method"`
	Grade     Grade            `json:"grade"`
	Verified  Verified         `json:"verified"`
	Notes     []string         `json:"notes,omitempty"` // what was refused, hidden or noticed on the way
	Result    string           `json:"result"`
	Started   time.Time        `json:"started"`
	Ended     time.Time        `json:"ended"`
	Tool      string           `json:"tool"`
}

// Extent is what part of a disk was read to verify its erasure.
type Extent string

const (
	Whole  Extent = "whole disk"
	Sample Extent = "sample"
	Places Extent = "partition tables and signatures"
)

// Verified is what was read after the erasure, and what it was held against.
type Verified struct {
	Extent Extent `json:"extent"`
	Bytes  int64  `json:"bytes"`  // read after the erasure
	Pieces int    `json:"pieces"` // in so many reads
	// Zero says that every byte read was zero. Otherwise no block of 4096 bytes
	// that held something before holds the same now.
	Zero bool `json:"zero"`
	// Known is how many bytes of those read were known to hold something before.
	Known int64 `json:"known,omitempty"`
	// Seed chooses the random pieces of a sample, so that the same can be read
	// again: see package drive.
	Seed string `json:"seed,omitempty"`
	// Marked says that the disk held nothing in the sample, and was given random
	// bytes before the erasure so that there was something to miss.
	Marked bool `json:"marked,omitempty"`
}

// validate refuses a certificate that says less than one must.
func (c Certificate) validate() error {
	switch {
	case c.Machine == "":
		return errors.New("certificate names no machine: fill Machine before signing")
	case c.anonymous():
		return fmt.Errorf("certificate of %s names no disk: neither serial nor WWN", c.Path)
	case c.Result != Erased:
		return fmt.Errorf("certificate of disk %s: result is %q, only %q is signed", c.Serial, c.Result, Erased)
	case c.Mode != Full && c.Mode != Express:
		return fmt.Errorf("certificate of disk %s: mode %q is neither %q nor %q", c.Serial, c.Mode, Full, Express)
	case c.Method == "" || c.Verified.Bytes <= 0 || c.Size <= 0:
		return fmt.Errorf("certificate of disk %s: method, size and bytes read must be there", c.Serial)
	case c.Mode == Full && c.Verified.Extent == Places:
		return fmt.Errorf("certificate of disk %s: a full erasure is not verified at %s alone", c.Serial, Places)
	case c.Ended.Before(c.Started):
		return fmt.Errorf("certificate of disk %s: ends at %s, before its start at %s", c.Serial, c.Ended, c.Started)
	}
	return c.withinBounds()
}

// anonymous disks are those of virtual machines, which need not have a serial:
// machine and path name them. A physical disk outlives both.
func (c Certificate) anonymous() bool {
	physical := c.Transport == "nvme" || c.Transport == "sata" || c.Transport == "sas"
	return c.Serial == "" && c.WWN == "" && (physical || c.Path == "")
}

func (c Certificate) withinBounds() error {
	if len(c.Notes) > maxNotes {
		return fmt.Errorf("certificate of disk %s: %d notes, at most %d", c.Serial, len(c.Notes), maxNotes)
	}
	for _, note := range c.Notes {
		if len(note) > maxNoteLen {
			return fmt.Errorf("certificate of disk %s: a note of %d bytes, at most %d", c.Serial, len(note), maxNoteLen)
		}
	}
	return nil
}

// Canonical is the certificate as it is signed: compact JSON in the order of
// the struct, times in UTC to the second, no newline. The same certificate has
// the same bytes on every machine.
func (c Certificate) Canonical() ([]byte, error) {
	c.Started, c.Ended = c.Started.UTC().Truncate(time.Second), c.Ended.UTC().Truncate(time.Second)
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false) // a model name with & stays one that people can read
	if err := encoder.Encode(c); err != nil {
		return nil, fmt.Errorf("write the certificate of disk %s: %w", c.Serial, err)
	}
	return bytes.TrimSuffix(text.Bytes(), []byte("\n")), nil
}

// parse reads canonical bytes, and refuses what is not canonical: a second key
// of the same name could say something else to another reader.
func parse(payload []byte) (Certificate, error) {
	var c Certificate
	decoder := json.NewDecoder(bytes.NewReader(payload))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&c); err != nil {
		return Certificate{}, fmt.Errorf("read a certificate: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return Certificate{}, errors.New("read a certificate: more follows its end")
	}
	again, err := c.Canonical()
	if err != nil {
		return Certificate{}, err
	}
	if !bytes.Equal(again, payload) {
		return Certificate{}, fmt.Errorf("read the certificate of disk %s: not in canonical form", c.Serial)
	}
	return c, c.validate()
}

// String is the certificate for people, a screen of plain text.
func (c Certificate) String() string {
	var text strings.Builder
	line := func(name, format string, args ...any) {
		fmt.Fprintf(&text, "%-10s %s\n", name, fmt.Sprintf(format, args...))
	}
	line("Disk", "%s, serial %s", strings.TrimSpace(c.Transport+" "+c.Model), c.Serial)
	if c.WWN != "" {
		line("WWN", "%s", c.WWN)
	}
	line("Size", "%d bytes", c.Size)
	line("Machine", "%s, boot %d, %s", c.Machine, c.Boot, c.Path)
	if c.Device != "" {
		line("Device", "%s", c.Device)
	}
	line("Result", "%s", c.Result)
	line("Mode", "%s", c.Mode)
	line("Method", "%s (NIST SP 800-88: %s)", c.Method, c.Grade)
	line("Verified", "%s", c.Verified)
	line("Time", "%s to %s", c.Started.UTC().Format(time.RFC3339), c.Ended.UTC().Format(time.RFC3339))
	line("Tool", "%s", c.Tool)
	for _, note := range c.Notes {
		line("Note", "%s", note)
	}
	return text.String()
}

// String says what was read and what it proves.
func (v Verified) String() string {
	found := "all of them zero"
	if !v.Zero {
		found = "none of it what was there before"
	}
	text := fmt.Sprintf("%s: %d bytes in %d pieces read back, %s", v.Extent, v.Bytes, v.Pieces, found)
	if v.Known > 0 {
		text += fmt.Sprintf("; %d of them known to hold something else before", v.Known)
	}
	if v.Marked {
		text += " (random bytes written for this)"
	}
	if v.Seed != "" {
		text += "; seed " + v.Seed
	}
	return text
}
