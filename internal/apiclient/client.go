package apiclient

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"
)

// base is where the API begins below the server's address.
const base = "/metal/v1"

// Client asks one API with one key.
type Client struct {
	root string // with base, without a final slash
	key  string
	http http.Client
}

// New takes the server's address, with or without the API's base.
func New(address, key string) (*Client, error) {
	u, err := url.Parse(strings.TrimRight(address, "/"))
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil {
		return nil, fmt.Errorf("the API's address is no http:// or https:// URL; one is like https://metal.example.net")
	}
	u.Path = strings.TrimSuffix(u.Path, base) + base
	return &Client{root: u.String(), key: key, http: http.Client{Timeout: answerLimit}}, nil
}

// answerLimit is above what the server gives itself for an answer.
const answerLimit = 20 * time.Second

// Get reads what a path shows into a pointer; a *json.RawMessage takes it as it
// is.
func (c *Client) Get(ctx context.Context, path string, into any) error {
	return c.ask(ctx, http.MethodGet, path, nil, into)
}

// Post makes something. It carries an idempotency key, so that it is tried
// again where no answer came, and done once.
func (c *Client) Post(ctx context.Context, path string, body, into any) error {
	return c.ask(ctx, http.MethodPost, path, body, into)
}

// Put alters something.
func (c *Client) Put(ctx context.Context, path string, body, into any) error {
	return c.ask(ctx, http.MethodPut, path, body, into)
}

// Patch alters what the API has no PUT for: addresses.
func (c *Client) Patch(ctx context.Context, path string, body, into any) error {
	return c.ask(ctx, http.MethodPatch, path, body, into)
}

// Delete ends something.
func (c *Client) Delete(ctx context.Context, path string) error {
	return c.ask(ctx, http.MethodDelete, path, nil, nil)
}

const (
	tries = 4 // of a request that was not answered, or not by the API itself
	pause = 250 * time.Millisecond
)

// ask tries a request until it is answered. Each may be repeated: what makes
// things has a key by which a repeat is known.
func (c *Client) ask(ctx context.Context, method, path string, body, into any) error {
	var raw []byte
	if body != nil {
		var err error
		if raw, err = json.Marshal(body); err != nil {
			return fmt.Errorf("%s %s: %w", method, path, err)
		}
	}
	once := uuid.NewString()
	for try := 1; ; try++ {
		err := c.try(ctx, method, path, once, raw, into)
		if try == tries || !passes(err) || ctx.Err() != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause << try):
		}
	}
}

// passes tells weather from an answer: no connection, a proxy without a server
// behind it, or too many requests at once.
func passes(err error) bool {
	var said Refusal
	if errors.As(err, &said) {
		return said.Code == http.StatusTooManyRequests || said.Code == http.StatusBadGateway || said.Code == http.StatusServiceUnavailable
	}
	var lost *url.Error
	return errors.As(err, &lost)
}

func (c *Client) try(ctx context.Context, method, path, once string, body []byte, into any) error {
	request, err := http.NewRequestWithContext(ctx, method, c.root+path, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	request.Header.Set("Accept", "application/json")
	if c.key != "" {
		request.Header.Set("X-Auth-Token", c.key)
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if method == http.MethodPost {
		request.Header.Set("Idempotency-Key", once)
	}
	answer, err := c.http.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	return read(answer, into)
}

// mostAnswer bounds what a server can make us hold: a thousand devices are some
// 5 MB.
const mostAnswer = 64 << 20

func read(answer *http.Response, into any) error {
	raw, err := io.ReadAll(io.LimitReader(answer.Body, mostAnswer))
	if err != nil {
		return fmt.Errorf("read the answer to %s %s: %w", answer.Request.Method, answer.Request.URL.Path, err)
	}
	if answer.StatusCode >= http.StatusMultipleChoices {
		return refused(answer, raw)
	}
	if into == nil || len(raw) == 0 {
		return nil
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return fmt.Errorf("%s answers something else than the API: %w", answer.Request.URL.Host, err)
	}
	return nil
}
