package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"millwright/internal/agent"
	"millwright/internal/burnin"
)

// peer is the boot service as the other end of the network.
type peer struct {
	cfg    agent.Config
	client *http.Client
}

var _ burnin.Peer = (*peer)(nil)

const (
	// The boot service holds who has to wait for its turn for at most 50 s.
	turnWait = time.Minute
	// What is on its way at the end of a turn.
	flushing = 20 * time.Second
)

// newPeer waits to be told to continue before it sends, or noise would fill
// buffers while other machines have their turn.
func newPeer(cfg agent.Config) *peer {
	c := client()
	c.Transport.(*http.Transport).ExpectContinueTimeout = turnWait
	return &peer{cfg, c}
}

func (p *peer) Receive(ctx context.Context, length time.Duration) (burnin.Moved, error) {
	length = min(length, agent.NoiseTurn)
	ctx, cancel := context.WithTimeout(ctx, turnWait+length+flushing)
	defer cancel()
	seed := rand.Uint64()
	res, err := p.ask(ctx, http.MethodGet, seed, length, nil)
	if err != nil {
		return burnin.Moved{}, err
	}
	defer res.Body.Close()
	began := time.Now()
	n, err := agent.NoiseOf(seed).Compare(res.Body)
	if errors.Is(err, agent.ErrNoise) {
		err = fmt.Errorf("%w: %w", burnin.ErrDamaged, err)
	}
	return burnin.Moved{Bytes: n, Took: time.Since(began)}, err
}

func (p *peer) Send(ctx context.Context, length time.Duration) (burnin.Moved, error) {
	length = min(length, agent.NoiseTurn)
	ctx, cancel := context.WithTimeout(ctx, turnWait+length+flushing)
	defer cancel()
	seed := rand.Uint64()
	body := &timed{from: agent.NoiseOf(seed).Reader(ctx, length)}
	res, err := p.ask(ctx, http.MethodPost, seed, length, body)
	if err != nil {
		return burnin.Moved{}, err
	}
	defer res.Body.Close()
	var end agent.NoiseEnd
	if err := json.NewDecoder(io.LimitReader(res.Body, 1<<10)).Decode(&end); err != nil {
		return burnin.Moved{}, fmt.Errorf("read what the boot service received: %w", err)
	}
	if end.Wrong != "" {
		err = fmt.Errorf("%w: %s", burnin.ErrDamaged, end.Wrong)
	}
	return burnin.Moved{Bytes: end.Bytes, Took: body.took()}, err
}

// timed knows when it was first read: that is when the turn begins.
type timed struct {
	from  io.Reader
	first sync.Once
	began atomic.Int64 // in nanoseconds; a body may be read still when it is answered
}

func (t *timed) Read(p []byte) (int, error) {
	t.first.Do(func() { t.began.Store(time.Now().UnixNano()) })
	return t.from.Read(p)
}

func (t *timed) took() time.Duration { return time.Since(time.Unix(0, t.began.Load())) }

func (p *peer) ask(ctx context.Context, method string, seed uint64, length time.Duration, body io.Reader) (*http.Response, error) {
	query := url.Values{
		agent.QueryBoot: {strconv.FormatInt(int64(p.cfg.Boot), 10)}, agent.QuerySeed: {strconv.FormatUint(seed, 10)},
		agent.QueryFor: {length.String()},
	}
	req, err := http.NewRequestWithContext(ctx, method, p.cfg.URL+agent.PathNoise+"?"+query.Encode(), body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+p.cfg.Token)
	if body != nil {
		req.Header.Set("Expect", "100-continue")
	}
	res, err := p.client.Do(req)
	if err != nil {
		return nil, err
	}
	if res.StatusCode != http.StatusOK {
		res.Body.Close()
		return nil, fmt.Errorf("%s %s: %s", method, agent.PathNoise, res.Status)
	}
	return res, nil
}

// MAC is of what the way to the boot service begins with.
func (p *peer) MAC() string {
	at, err := url.Parse(p.cfg.URL)
	if err != nil {
		return ""
	}
	conn, err := net.Dial("udp", net.JoinHostPort(at.Hostname(), "9")) // sends nothing
	if err != nil {
		return ""
	}
	defer conn.Close()
	cards, err := net.Interfaces()
	if err != nil {
		return ""
	}
	for _, card := range cards {
		addresses, _ := card.Addrs() // a card that is gone has none
		for _, a := range addresses {
			if own, ok := a.(*net.IPNet); ok && own.IP.Equal(conn.LocalAddr().(*net.UDPAddr).IP) {
				return card.HardwareAddr.String()
			}
		}
	}
	return ""
}
