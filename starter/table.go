package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// table is a listing: for people in columns, for programs a list of objects
// with the columns as keys.
type table struct {
	columns []string
	rows    [][]any
}

func (t *table) add(values ...any) { t.rows = append(t.rows, values) }

func (t *table) print(w io.Writer, format string) error {
	if format == "json" {
		return printJSON(w, t.objects())
	}
	columns := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	if len(t.columns) > 0 {
		fmt.Fprintln(columns, strings.ToUpper(strings.ReplaceAll(strings.Join(t.columns, "\t"), "_", " ")))
	}
	for _, row := range t.rows {
		cells := make([]string, len(row))
		for i, value := range row {
			cells[i] = cell(value)
		}
		fmt.Fprintln(columns, strings.Join(cells, "\t"))
	}
	return columns.Flush()
}

// objects is never nil: an empty list is printed as [].
func (t *table) objects() []map[string]any {
	objects := make([]map[string]any, len(t.rows))
	for i, row := range t.rows {
		objects[i] = map[string]any{}
		for j, value := range row {
			objects[i][t.columns[j]] = value
		}
	}
	return objects
}

// cell is a value in a column: never empty, or the columns behind it would be
// read for the one before.
func cell(value any) string {
	var text string
	switch v := value.(type) {
	case time.Time:
		text = moment(v)
	case *time.Time:
		if v != nil {
			text = moment(*v)
		}
	case []string:
		text = strings.Join(v, " ")
	default:
		text = fmt.Sprint(v)
	}
	if text == "" {
		return "-"
	}
	return strings.NewReplacer("\t", " ", "\n", " ").Replace(text)
}

func moment(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func printJSON(w io.Writer, value any) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(value)
}
