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
// up, and after how long.
type startup struct{ out io.Writer }

// Enabled hides what is only for finding faults.
func (s startup) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelInfo }

// Handle prints one line of what internal/stack says of a part, and the words
// of whoever else speaks.
func (s startup) Handle(_ context.Context, record slog.Record) error {
	said := map[string]string{}
	record.Attrs(func(a slog.Attr) bool {
		said[a.Key] = a.Value.String()
		return true
	})
	if said["part"] == "" {
		_, err := fmt.Fprintln(s.out, " ", record.Message)
		return err
	}
	_, err := fmt.Fprintf(s.out, "  %-24s up after %6s   log %s\n", said["part"], said["took"], said["log"])
	return err
}

// WithAttrs is not used by what logs here.
func (s startup) WithAttrs([]slog.Attr) slog.Handler { return s }

// WithGroup is not used by what logs here.
func (s startup) WithGroup(string) slog.Handler { return s }
