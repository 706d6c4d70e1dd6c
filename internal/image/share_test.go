package image

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// ask has a client want all it can get over so many connections, until the
// line has sent so much. It gives what each client got.
func ask(t *testing.T, s *Share, total int64, clients map[string]int) map[string]int64 {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var sent atomic.Int64
	got := map[string]*atomic.Int64{}
	var all sync.WaitGroup
	for client, connections := range clients {
		mine := new(atomic.Int64)
		got[client] = mine
		for range connections {
			all.Go(func() {
				for ctx.Err() == nil {
					n, _ := s.Wait(ctx, client)
					mine.Add(int64(n))
					if sent.Add(int64(n)) >= total {
						stop()
					}
				}
			})
		}
	}
	all.Wait()
	sums := map[string]int64{}
	for client, n := range got {
		sums[client] = n.Load()
	}
	return sums
}

func TestALineIsSharedByClientsNotByConnections(t *testing.T) {
	t.Parallel()
	got := ask(t, NewShare(200<<20), 128<<20, map[string]int{"modest": 4, "greedy": 32})
	require.InEpsilon(t, got["greedy"], got["modest"], 0.2)
}

func TestARackGetsEqualParts(t *testing.T) {
	t.Parallel()
	clients := map[string]int{}
	for i := range 40 {
		clients[string(rune('A'+i))] = 1 + i%8
	}
	got := ask(t, NewShare(1<<30), 40*(16<<20), clients)
	for client, n := range got {
		require.InEpsilon(t, 16<<20, n, 0.3, client)
	}
}

func TestOneWhoIsAloneGetsAllAndLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	s := NewShare(1 << 30)
	got := ask(t, s, 64<<20, map[string]int{"alone": 4})
	require.GreaterOrEqual(t, got["alone"], int64(64<<20))
	_ = ask(t, s, 64<<20, map[string]int{"next": 4})
	s.mu.Lock()
	defer s.mu.Unlock()
	require.NotContains(t, s.lines, "alone", "a client that has gone is forgotten")
}

func TestWhoLeavesTheQueueIsNotServed(t *testing.T) {
	t.Parallel()
	s := NewShare(1)
	_, err := s.Wait(t.Context(), "first") // the line is busy for hours
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = s.Wait(ctx, "second")
	require.ErrorIs(t, err, context.Canceled)
	s.GiveBack("first", s.grain)
	_, err = s.Wait(t.Context(), "third")
	require.NoError(t, err, "what is given back others take")
}

// Over real connections: two machines, one of which opens four times as many.
func TestAServerSharesItsLine(t *testing.T) {
	t.Parallel()
	store, id, ix := imported(t, content(50, 4<<20))
	url := serve(t, Handler(store, NewShare(8<<20), slog.New(slog.DiscardHandler)))
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var sent, modest, greedy atomic.Int64
	var all sync.WaitGroup
	for address, who := range map[string]struct {
		got         *atomic.Int64
		connections int
	}{"127.0.0.2": {&modest, 4}, "127.0.0.3": {&greedy, 16}} {
		dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
		client := &http.Client{Transport: &http.Transport{DialContext: dialer.DialContext, MaxIdleConnsPerHost: 16}}
		t.Cleanup(client.CloseIdleConnections)
		for range who.connections {
			all.Go(func() {
				for ctx.Err() == nil {
					n := download(ctx, client, url+"/"+id.String()+"/blocks/", ix)
					who.got.Add(n)
					if sent.Add(n) >= 12<<20 {
						stop()
					}
				}
			})
		}
	}
	all.Wait()
	require.InEpsilon(t, greedy.Load(), modest.Load(), 0.2)
}

// download takes the largest block there is.
func download(ctx context.Context, client *http.Client, url string, ix *Index) int64 {
	largest := ix.Blocks[0]
	for _, b := range ix.Blocks {
		if b.Length > largest.Length {
			largest = b
		}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+strconv.Itoa(int(largest.Number)), nil)
	if err != nil {
		return 0
	}
	res, err := client.Do(req)
	if err != nil {
		return 0
	}
	defer func() { _ = res.Body.Close() }()
	n, _ := io.Copy(io.Discard, res.Body)
	return n
}
