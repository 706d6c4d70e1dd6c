package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"strings"

	"millwright/internal/apiclient"
)

// customer is what every command takes that asks the customers' API, as its
// tools do: it needs neither Postgres nor Temporal.
type customer struct {
	API     string `name:"api" default:"http://127.0.0.1:8080" placeholder:"URL" help:"Where the API is."`
	Key     string `env:"MILLWRIGHT_KEY,METAL_AUTH_TOKEN" placeholder:"KEY" help:"Your API key; better from the environment or the file, because everybody on this machine can read a command line."`
	KeyFile string `type:"path" default:"~/.config/millwright/key" placeholder:"FILE" help:"File with your key, as starter login writes it; read where no key is given."`
}

// client has the key of the person who asks.
func (u customer) client() (*apiclient.Client, error) {
	key := strings.TrimSpace(u.Key)
	if key == "" {
		text, err := os.ReadFile(u.KeyFile)
		if errors.Is(err, os.ErrNotExist) {
			return nil, usage(errors.New("no key is given; set MILLWRIGHT_KEY, or run: starter login"))
		}
		if err != nil {
			return nil, fmt.Errorf("read your key: %w", err)
		}
		key = strings.TrimSpace(string(text))
	}
	c, err := apiclient.New(u.API, key)
	if err != nil {
		return nil, usage(err)
	}
	return c, nil
}

// within is what commands take that need a project.
type within struct {
	customer `embed:""`
	Project  string `completion-predictor:"project" placeholder:"ID-OR-NAME" help:"Which project; needed where you have several."`
}

// project finds out which is meant.
func (w within) project(ctx context.Context, c *apiclient.Client) (string, error) {
	if uuidForm.MatchString(w.Project) {
		return w.Project, nil
	}
	items, err := c.List(ctx, "/projects", "projects", nil)
	if err != nil {
		return "", fmt.Errorf("list your projects: %w", err)
	}
	mine, err := linksOf(items)
	if err != nil {
		return "", err
	}
	return choose("project", w.Project, mine)
}

var uuidForm = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// choose finds what a name means; no name means the only one there is.
func choose(kind, name string, among []apiclient.Link) (string, error) {
	var found, names []string
	for _, l := range among {
		names = append(names, l.Name)
		if name == "" || l.Name == name {
			found = append(found, l.ID)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(among) == 0:
		return "", fmt.Errorf("your key sees no %s", kind)
	case name == "":
		return "", usage(fmt.Errorf("which %s? give --%s, one of: %s", kind, kind, strings.Join(names, ", ")))
	case len(found) > 1:
		return "", usage(fmt.Errorf("%d of your %ss are called %s; give its ID", len(found), kind, name))
	}
	return "", usage(fmt.Errorf("no %s of yours is called %s; there are: %s", kind, name, strings.Join(names, ", ")))
}

func linksOf(items []json.RawMessage) ([]apiclient.Link, error) {
	links := make([]apiclient.Link, len(items))
	for i, raw := range items {
		if err := json.Unmarshal(raw, &links[i]); err != nil {
			return nil, err
		}
	}
	return links, nil
}

// below is a path with escaped parts.
func below(parts ...string) string {
	var path strings.Builder
	for _, part := range parts {
		path.WriteString("/" + url.PathEscape(part))
	}
	return path.String()
}
