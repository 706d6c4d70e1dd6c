package main

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// enrolColumns are the columns that a list may have.
var enrolColumns = []string{
	"bmc", "user", "password", "name", "rack", "unit", "plan", "firmware", "kexec", "serial",
	"switch", "port", "mac", "switch2", "port2", "mac2", "bundle",
}

// enrolLine is one BMC of a list: its fields by column, and where they stand.
// One of the fields is a password: it is printed nowhere.
type enrolLine struct {
	at     string
	fields map[string]string
}

// mistakes are all that is wrong with a list, a sentence each.
type mistakes []string

func (m *mistakes) add(at, format string, args ...any) {
	*m = append(*m, at+": "+fmt.Sprintf(format, args...))
}

// csvList is what a file says, and which of its columns nobody asked for.
type csvList struct {
	lines  []enrolLine
	unused []string
	wrong  mistakes
}

// mostLines is more than a site takes in at once; a file above it is not the
// one that was meant.
const mostLines = 10000

// readCSV reads a list. Renamed says what our columns are called in it: vendors
// have names of their own. No sentence of its quotes a field.
func readCSV(from io.Reader, name string, renamed map[string]string) csvList {
	var list csvList
	in := bufio.NewReader(from)
	if mark, _ := in.Peek(3); bytes.Equal(mark, []byte("\xef\xbb\xbf")) { // spreadsheets begin so
		_, _ = in.Discard(3)
	}
	records := csv.NewReader(in)
	records.FieldsPerRecord = -1
	if head, _ := in.Peek(4096); separatedBySemicolons(head) {
		records.Comma = ';'
	}
	header, err := records.Read()
	if errors.Is(err, io.EOF) {
		list.wrong.add(name, "it is empty; its first line names its columns: %s", strings.Join(enrolColumns, ","))
		return list
	}
	if err != nil {
		list.wrong.add(name, "%s", syntaxOf(err))
		return list
	}
	columns := list.columns(header, name, renamed)
	for len(list.lines) <= mostLines {
		record, err := records.Read()
		if errors.Is(err, io.EOF) {
			return list
		}
		if err != nil { // what follows cannot be told apart any more
			list.wrong.add(name, "%s", syntaxOf(err))
			return list
		}
		number, _ := records.FieldPos(0)
		list.line(fmt.Sprintf("%s:%d", name, number), columns, record)
	}
	list.wrong.add(name, "it has more than %d lines; enrol a part of them at a time", mostLines)
	return list
}

// separatedBySemicolons tells how spreadsheets write where the comma is for
// decimals.
func separatedBySemicolons(head []byte) bool {
	first, _, _ := bytes.Cut(head, []byte("\n"))
	return bytes.Contains(first, []byte(";")) && !bytes.Contains(first, []byte(","))
}

// syntaxOf is what is wrong with the form of a file, and where.
func syntaxOf(err error) string {
	var parse *csv.ParseError
	if errors.As(err, &parse) {
		return fmt.Sprintf("line %d: %s", parse.Line, parse.Err)
	}
	return err.Error()
}

// columns finds what each column is, in our words; empty for one that is not
// asked for.
func (l *csvList) columns(header []string, name string, renamed map[string]string) []string {
	columns := make([]string, len(header))
	for i, title := range header {
		title = strings.TrimSpace(title)
		column := strings.ToLower(title)
		for ours, theirs := range renamed {
			if strings.EqualFold(strings.TrimSpace(theirs), title) {
				column = ours
			}
		}
		switch {
		case !slices.Contains(enrolColumns, column):
			l.unused = append(l.unused, harmless(title))
		case slices.Contains(columns, column):
			l.wrong.add(name, "line 1: two columns are %q; name the right one: --columns %s=…", column, column)
		default:
			columns[i] = column
		}
	}
	for ours, theirs := range renamed {
		if !slices.Contains(columns, ours) {
			l.wrong.add(name, "line 1: no column is called %q, which --columns names for %s", theirs, ours)
		}
	}
	if !slices.Contains(columns, "bmc") { // what it has instead may be a line of data: it is not quoted
		l.unused = nil
		l.wrong.add(name, "line 1: no column is called bmc; the first line names the columns, and --columns what they are called")
	}
	return columns
}

// line takes one record. Blanks around a field mean nothing, but in a password.
func (l *csvList) line(at string, columns, record []string) {
	if len(record) == 1 && strings.TrimSpace(record[0]) == "" {
		return
	}
	if len(record) != len(columns) {
		l.wrong.add(at, "it has %d fields, and the first line names %d", len(record), len(columns))
		return
	}
	fields := map[string]string{}
	for i, column := range columns {
		if column == "" {
			continue
		}
		if column != "password" {
			record[i] = strings.TrimSpace(record[i])
		}
		fields[column] = record[i]
	}
	l.lines = append(l.lines, enrolLine{at, fields})
}
