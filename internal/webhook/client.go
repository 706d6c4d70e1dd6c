package webhook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"syscall"
	"time"

	standard "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"millwright/internal/metal"
)

const (
	// postLimit is for one attempt: name, connection, request and answer.
	postLimit = 15 * time.Second
	// answerSize is what is read of an answer, and thrown away: some servers
	// take a client that hangs up for one that failed.
	answerSize = 4 << 10
)

// Client posts messages. It has no memory: no cookies, no connections that it
// keeps, no proxy of the environment.
type Client struct {
	rules Rules
	keys  *Keys
	http  *http.Client
}

// NewClient makes a client that goes where the rules let it, and signs with
// secrets that the keys open.
func NewClient(rules Rules, keys *Keys) *Client {
	dialer := &net.Dialer{Timeout: postLimit, Control: func(_, address string, _ syscall.RawConn) error {
		return rules.dial(address)
	}}
	transport := &http.Transport{
		DialContext: dialer.DialContext, DisableKeepAlives: true, ForceAttemptHTTP2: true,
		TLSHandshakeTimeout: postLimit, MaxResponseHeaderBytes: 16 << 10,
	}
	return &Client{rules: rules, keys: keys, http: &http.Client{
		Transport: transport, Timeout: postLimit,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// errClosed is for addresses that webhooks may not reach.
var errClosed = errors.New("webhooks may not go there")

// dial checks the very address that is about to be connected to: whatever a
// name said before, and says the next time, it is this one that counts.
func (r Rules) dial(address string) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: %s is no address", errClosed, address)
	}
	if err := r.CheckAddress(to.Addr()); err != nil {
		return fmt.Errorf("%w: %w", errClosed, err)
	}
	return nil
}

// Post sends a message, and returns the answer's code; or an error in words
// that may be shown to whoever owns the endpoint. metal.ErrNoSecret is our own
// trouble: nothing was sent.
func (c *Client) Post(ctx context.Context, m metal.WebhookMessage) (code int, err error) {
	if err := c.rules.CheckURL(m.URL); err != nil {
		return 0, fmt.Errorf("url: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, m.URL, bytes.NewReader(m.Body))
	if err != nil {
		return 0, errors.New("url: no request can be made of it")
	}
	if err := c.sign(request.Header, m); err != nil {
		return 0, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "Millwright-Webhooks/1")
	answer, err := c.http.Do(request)
	if err != nil {
		return 0, inWords(err)
	}
	defer answer.Body.Close()
	_, _ = io.CopyN(io.Discard, answer.Body, answerSize) // the code has come; the rest is courtesy
	return answer.StatusCode, nil
}

// sign puts Standard Webhooks' three headers on a request, with a signature of
// each secret.
func (c *Client) sign(h http.Header, m metal.WebhookMessage) error {
	var signatures []string
	for _, sealed := range m.Sealed {
		secret, err := c.keys.Open(string(m.Webhook), sealed)
		if err != nil {
			return err
		}
		signer, err := standard.NewWebhook(secret)
		if err != nil {
			return fmt.Errorf("webhook %s: its secret is not in base64; rotate it: %w", m.Webhook, metal.ErrNoSecret)
		}
		signature, err := signer.Sign(string(m.ID), m.Time, m.Body)
		if err != nil {
			return fmt.Errorf("sign message %s: %w", m.ID, err)
		}
		signatures = append(signatures, signature)
	}
	h.Set(standard.HeaderWebhookID, string(m.ID))
	h.Set(standard.HeaderWebhookTimestamp, strconv.FormatInt(m.Time.Unix(), 10))
	h.Set(standard.HeaderWebhookSignature, strings.Join(signatures, " "))
	return nil
}

// inWords says what went wrong without the URL, which may hold a token, and
// without what tells of our network: which resolver was asked, from where.
func inWords(err error) error {
	var name *net.DNSError
	var timeout net.Error
	switch {
	case errors.Is(err, errClosed):
		return errors.New("its host has an address that is none of the Internet's; webhooks may not reach it")
	case errors.As(err, &name) && name.IsNotFound:
		return errors.New("its host's name is not known")
	case errors.As(err, &name):
		return errors.New("its host's name could not be looked up")
	case errors.As(err, &timeout) && timeout.Timeout():
		return fmt.Errorf("no answer within %s", postLimit)
	case errors.Is(err, syscall.ECONNREFUSED):
		return errors.New("its host refused the connection")
	}
	if tls := inTLS(err); tls != "" {
		return errors.New("its certificate or TLS is not accepted: " + tls)
	}
	return errors.New("the connection broke off, or what came back is no HTTP")
}
