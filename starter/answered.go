package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"

	"millwright/internal/apiclient"
)

// listing is a list of the API's that people read as a table; programs get the
// items as they were answered.
type listing[T any] struct {
	path, name string
	query      url.Values
	columns    []string
	row        func(T) []any
}

func (l listing[T]) print(ctx context.Context, a *app, c *apiclient.Client) error {
	items, err := c.List(ctx, l.path, l.name, l.query)
	if err != nil {
		return fmt.Errorf("list %s: %w", l.name, err)
	}
	if a.Output == "json" {
		return printJSON(a.out, items)
	}
	t := &table{columns: l.columns}
	for _, raw := range items {
		var item T
		if err := json.Unmarshal(raw, &item); err != nil {
			return fmt.Errorf("list %s: %w", l.name, err)
		}
		t.add(l.row(item)...)
	}
	return t.print(a.out, a.Output)
}

// answered is one thing of the API's: as it came, and what people read of it.
type answered[T any] struct {
	raw json.RawMessage
	it  T
}

// UnmarshalJSON keeps both.
func (t *answered[T]) UnmarshalJSON(raw []byte) error {
	t.raw = append(t.raw[:0], raw...)
	return json.Unmarshal(raw, &t.it)
}

// print writes facts about the thing, each a name and a value.
func (t *answered[T]) print(a *app, facts func(T) [][]any) error {
	if a.Output == "json" {
		return printJSON(a.out, t.raw)
	}
	return (&table{rows: facts(t.it)}).print(a.out, a.Output)
}

// said is what is left to print where the API answers without a body.
func (a *app) said(format string, args ...any) error {
	if a.Output == "json" {
		return nil // the exit code says it
	}
	_, err := fmt.Fprintf(a.out, format+"\n", args...)
	return err
}
