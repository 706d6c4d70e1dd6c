package ipam

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// mostBytes of a file are read: more than a million rows of CSV, or a hundred
// thousand objects of NetBox's JSON, which takes a kilobyte for each.
const mostBytes = 128 << 20

// Read reads a file in any of the forms that it knows, and tells them apart by
// what they contain: our own CSV (see Columns), NetBox's CSV exports and NetBox's
// REST lists, both of aggregates, prefixes and IP addresses. The error is
// Problems, with all that is wrong in the file.
//
// CSV may begin with a byte order mark, end its lines as Windows does, and use
// semicolons or tabs, as spreadsheets write it.
func Read(r io.Reader, name string, netbox NetBox) (Plan, error) {
	text, err := io.ReadAll(io.LimitReader(r, mostBytes+1))
	if err != nil {
		return Plan{}, fmt.Errorf("read %s: %w", name, err)
	}
	rd := &reader{file: name, netbox: netbox, slugs: map[string]string{}}
	switch text = bytes.TrimPrefix(text, []byte("\ufeff")); {
	case len(text) > mostBytes:
		rd.problem(1, "the file is larger than %d MiB; split it", mostBytes>>20)
	case bytes.HasPrefix(text, []byte("\xff\xfe")) || bytes.HasPrefix(text, []byte("\xfe\xff")):
		rd.problem(1, "the file is UTF-16; save it as UTF-8")
	default:
		rd.read(text)
	}
	if err := rd.problems.err(); err != nil {
		return Plan{}, err
	}
	return rd.plan, nil
}

// reader is what was read of one file so far.
type reader struct {
	file     string
	netbox   NetBox
	slugs    map[string]string // NetBox's name that each of ours was made of
	plan     Plan
	problems Problems
}

func (rd *reader) at(line int) Source { return Source{rd.file, line} }

func (rd *reader) problem(line int, format string, values ...any) {
	rd.problems.add(rd.at(line), nil, format, values...)
}

// refuse is problem for an error that has a kind.
func (rd *reader) refuse(line int, err error) { rd.problems.add(rd.at(line), err, "%v", err) }

func (rd *reader) leaveOut(line int, format string, values ...any) {
	rd.plan.LeftOut = append(rd.plan.LeftOut, Problem{At: rd.at(line), Text: sayable(fmt.Sprintf(format, values...))})
}

func (rd *reader) read(text []byte) {
	if !utf8.Valid(text) {
		rd.badText(text)
		text = bytes.ToValidUTF8(text, []byte("\ufffd"))
	}
	switch trimmed := bytes.TrimLeft(text, " \t\r\n"); {
	case len(trimmed) == 0:
		rd.problem(1, "the file is empty")
	case trimmed[0] == '{' || trimmed[0] == '[':
		rd.json(text)
	default:
		rd.csv(text)
	}
}

// badText names the lines that are not UTF-8.
func (rd *reader) badText(text []byte) {
	for i, line := range bytes.Split(text, []byte("\n")) {
		if !utf8.Valid(line) {
			rd.problem(i+1, "not UTF-8; save the file as UTF-8")
		}
	}
}

// csv reads lines under a header, whoever wrote them.
func (rd *reader) csv(text []byte) {
	in := csv.NewReader(bytes.NewReader(text))
	in.Comma = delimiter(text)
	in.FieldsPerRecord = -1 // counted here, with what to do
	in.ReuseRecord = true
	header, ok := rd.header(in)
	if !ok {
		return
	}
	take := rd.own
	if !slices.Contains(header, "kind") {
		if take, ok = rd.netboxTable(header); !ok {
			return
		}
	} else {
		rd.ownHeader(header)
	}
	for {
		fields, err := in.Read()
		if err == io.EOF {
			return
		}
		if err != nil {
			rd.brokenCSV(err)
			return
		}
		line, _ := in.FieldPos(0)
		if row, ok := rd.row(header, fields, line); ok {
			take(row)
		}
	}
}

// delimiter is what stands most often in the first line.
func delimiter(text []byte) rune {
	first, _, _ := bytes.Cut(text, []byte("\n"))
	best, most := ',', 0
	for _, d := range []rune{',', ';', '\t'} {
		if n := bytes.Count(first, []byte(string(d))); n > most {
			best, most = d, n
		}
	}
	return best
}

// header gives the columns' names in our spelling: "IP Address" is ip_address.
func (rd *reader) header(in *csv.Reader) ([]string, bool) {
	fields, err := in.Read()
	if err != nil {
		rd.brokenCSV(err)
		return nil, false
	}
	header := make([]string, len(fields))
	for i, f := range fields {
		header[i] = strings.Join(strings.FieldsFunc(strings.ToLower(f), func(r rune) bool { return r == ' ' || r == '-' || r == '\u00a0' }), "_")
		if header[i] != "" && slices.Contains(header[:i], header[i]) {
			rd.problem(1, "column %q stands twice; remove one", header[i])
		}
	}
	return header, true
}

// brokenCSV ends the reading: after a quote that is out of place nobody knows
// what is a line.
func (rd *reader) brokenCSV(err error) {
	var where *csv.ParseError
	if errors.As(err, &where) {
		rd.problem(where.Line, "%v; write a quote within quotes twice. What follows was not read", where.Err)
		return
	}
	rd.problem(1, "%v", err)
}

// row is one line by its columns' names. False where there is nothing in it, or
// not as many fields as columns.
func (rd *reader) row(header, fields []string, line int) (row, bool) {
	r := row{line: line, fields: map[string]string{}}
	for i, f := range fields {
		if f = strings.TrimSpace(f); f == "" {
			continue
		}
		if i >= len(header) {
			rd.problem(line, "%d fields under %d columns; is a %q unquoted?", len(fields), len(header), ",")
			return row{}, false
		}
		r.fields[header[i]] = f
	}
	if len(r.fields) == 0 {
		return row{}, false
	}
	if len(fields) < len(header) {
		rd.problem(line, "%d fields under %d columns; is the line cut off?", len(fields), len(header))
		return row{}, false
	}
	return r, true
}
