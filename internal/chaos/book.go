package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"millwright/internal/metal"
)

// book is what was ordered, acknowledged and answered.
type book struct {
	mu      sync.Mutex
	waiting map[metal.OrderID]chan outcome
	orders  map[metal.OrderID]*outcome // all that were acknowledged; nil until they have an outcome
}

// outcome is how an order ended: done, failed, or refused and never recorded.
type outcome struct {
	State  string
	Words  string
	Device metal.DeviceID
}

func newBook() *book {
	return &book{waiting: map[metal.OrderID]chan outcome{}, orders: map[metal.OrderID]*outcome{}}
}

// expect notes an order that was acknowledged, and answers where its outcome
// will come.
func (b *book) expect(id metal.OrderID) <-chan outcome {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.orders[id] = nil
	b.waiting[id] = make(chan outcome, 1)
	return b.waiting[id]
}

// refuse notes an order that was not taken, and never will be.
func (b *book) refuse(id metal.OrderID, why error) <-chan outcome {
	b.mu.Lock()
	defer b.mu.Unlock()
	o := outcome{State: "refused", Words: strings.TrimPrefix(why.Error(), errRefused.Error()+": ")}
	b.orders[id] = &o
	c := make(chan outcome, 1)
	c <- o
	return c
}

const outcomesEvery = 200 * time.Millisecond

// read looks for outcomes until the context ends: one query for all orders.
func (b *book) read(ctx context.Context, w *world) {
	for wait(ctx, outcomesEvery) {
		b.readOnce(ctx, w)
	}
}

func (b *book) readOnce(ctx context.Context, w *world) {
	ctx, cancel := context.WithTimeout(ctx, lookLimit)
	defer cancel()
	rows, err := w.data.Query(ctx, `select id, state, outcome, device from orders where state in ('done', 'failed') and id = any($1)`, b.without())
	if err != nil {
		return // the next look may find a database
	}
	defer rows.Close()
	for rows.Next() {
		var id metal.OrderID
		var o outcome
		if err := rows.Scan(&id, &o.State, &o.Words, &o.Device); err != nil {
			return
		}
		b.tell(id, o)
	}
}

func (b *book) tell(id metal.OrderID, o outcome) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.orders[id] = &o
	if c := b.waiting[id]; c != nil {
		c <- o
		delete(b.waiting, id)
	}
}

// without are the orders that have no outcome.
func (b *book) without() (ids []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for id, o := range b.orders {
		if o == nil {
			ids = append(ids, string(id))
		}
	}
	slices.Sort(ids)
	return ids
}

// tally counts orders by action and outcome.
func (b *book) tally() map[string]int {
	b.mu.Lock()
	defer b.mu.Unlock()
	counts := map[string]int{}
	for id, o := range b.orders {
		action, _, _ := strings.Cut(string(id), ":")
		switch {
		case o == nil:
			counts[action+" without outcome"]++
		case o.State == "done":
			counts[action+" done"]++
		default:
			counts[fmt.Sprintf("%s %s: %s", action, o.State, gist(o.Words))]++
		}
	}
	return counts
}

// gist is a sentence's beginning, without what names one machine or device.
func gist(words string) string {
	var kept []string
	for _, word := range strings.Fields(words) {
		if !strings.ContainsAny(word, "0123456789") {
			kept = append(kept, word)
		}
	}
	return strings.Join(kept[:min(len(kept), 10)], " ")
}
