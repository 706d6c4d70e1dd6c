package api

import (
	"container/list"
	"sync"
)

// recent remembers so many things, and forgets the one that was asked for the
// longest time ago.
type recent[K comparable, V any] struct {
	most int

	mu    sync.Mutex
	order *list.List // of entries, the newest first
	byKey map[K]*list.Element
}

type entry[K comparable, V any] struct {
	key   K
	value V
}

func newRecent[K comparable, V any](most int) *recent[K, V] {
	return &recent[K, V]{most: most, order: list.New(), byKey: map[K]*list.Element{}}
}

// get finds a thing, or makes it.
func (r *recent[K, V]) get(key K, fresh func() V) V {
	r.mu.Lock()
	defer r.mu.Unlock()
	if at, ok := r.byKey[key]; ok {
		r.order.MoveToFront(at)
		return at.Value.(entry[K, V]).value
	}
	e := entry[K, V]{key, fresh()}
	r.byKey[key] = r.order.PushFront(e)
	if r.order.Len() > r.most {
		r.remove(r.order.Back())
	}
	return e.value
}

func (r *recent[K, V]) has(key K) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, ok := r.byKey[key]
	return ok
}

func (r *recent[K, V]) drop(key K) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if at, ok := r.byKey[key]; ok {
		r.remove(at)
	}
}

func (r *recent[K, V]) remove(at *list.Element) {
	delete(r.byKey, r.order.Remove(at).(entry[K, V]).key)
}
