package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
)

// indented sets a program's lines apart from ours.
type indented struct{ out io.Writer }

// Write indents each line of one write.
func (w indented) Write(p []byte) (int, error) {
	for line := range bytes.Lines(p) {
		if _, err := fmt.Fprintf(w.out, "  %s", line); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

// startup is a log handler for people who wait: a line for each part that is
// up, without time and level.
type startup struct{ out io.Writer }

// Enabled hides what is only for finding faults.
func (s startup) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelInfo }

// Handle prints one line.
func (s startup) Handle(_ context.Context, record slog.Record) error {
	line := "  " + record.Message
	record.Attrs(func(a slog.Attr) bool {
		line += fmt.Sprintf("  %s %s", a.Key, a.Value)
		return true
	})
	_, err := fmt.Fprintln(s.out, line)
	return err
}

// WithAttrs is not used by what logs here.
func (s startup) WithAttrs([]slog.Attr) slog.Handler { return s }

// WithGroup is not used by what logs here.
func (s startup) WithGroup(string) slog.Handler { return s }
