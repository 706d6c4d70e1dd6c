package main

import (
	"context"
	"io"

	"millwright/internal/access"
)

type accessCommand struct {
	Markdown bool `env:"-" help:"As the page docs/access.md has it."`
}

// Run prints the table by which the API decides, not a description of it.
func (c accessCommand) Run(_ context.Context, a *app) error {
	if c.Markdown {
		_, err := io.WriteString(a.out, access.Markdown())
		return err
	}
	t := &table{columns: []string{"kind", "verb"}}
	for _, role := range access.Roles {
		t.columns = append(t.columns, string(role))
	}
	for _, row := range access.Table() {
		cells := []any{string(row.Kind), string(row.Verb)}
		for _, may := range row.May {
			cells = append(cells, may)
		}
		t.add(cells...)
	}
	return t.print(a.out, a.Output)
}
