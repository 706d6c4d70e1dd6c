package image

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"
)

// Cache is a site's copy of what its machines asked for: a Source that fetches
// what it lacks, once however many ask, checks it and keeps it. It needs no
// upstream for what it has. Blocks lie under their hashes, so images that share
// blocks share the copies.
type Cache struct {
	upstream *Remote
	shelf    *shelf
	flight   singleflight.Group
	log      *slog.Logger

	// Places bound the blocks that are in memory. Who checks a copy does not
	// wait behind those who wait for an upstream that is away.
	fetching, checking chan struct{}

	mu      sync.Mutex
	indices map[ID]*Index

	hits, misses, damaged atomic.Int64
}

// CacheStats are what became of the blocks that were asked for since a cache
// was opened. Who waits for a block that another one fetches counts with him.
type CacheStats struct {
	Hits    int64 // had here
	Misses  int64 // fetched
	Damaged int64 // had here, wrong, and fetched again
	Bytes   int64 // that the folder holds now
}

// Stats counts.
func (c *Cache) Stats() CacheStats {
	c.shelf.mu.Lock()
	defer c.shelf.mu.Unlock()
	return CacheStats{c.hits.Load(), c.misses.Load(), c.damaged.Load(), c.shelf.size}
}

const (
	// places is how many blocks are fetched, and how many checked, at once:
	// 2 MiB of memory each.
	places = 8
	// patience is how long upstream may be away before those who wait are told
	// so. It is less than the time after which a Remote gives a connection up.
	patience = 20 * time.Second
)

// OpenCache opens a folder, which must be there and be this cache's alone, and
// has room there for so many bytes.
func OpenCache(folder string, room int64, upstream *Remote, log *slog.Logger) (*Cache, error) {
	shelf, err := openShelf(folder, room)
	if err != nil {
		return nil, fmt.Errorf("open the cache of images: %w", err)
	}
	return &Cache{upstream: upstream, shelf: shelf, log: log, indices: map[ID]*Index{},
		fetching: make(chan struct{}, places), checking: make(chan struct{}, places)}, nil
}

// Index gives an image's index, from memory, from the folder or from upstream.
func (c *Cache) Index(ctx context.Context, id ID) (*Index, error) {
	c.mu.Lock()
	ix := c.indices[id]
	c.mu.Unlock()
	if ix != nil {
		return ix, nil
	}
	got, err := c.once(ctx, "index-"+id.String(), func(ctx context.Context, name string) (any, error) { return c.loadIndex(ctx, id, name) })
	if err != nil {
		return nil, err
	}
	ix = got.(*Index)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.indices[id] = ix
	return ix, nil
}

func (c *Cache) loadIndex(ctx context.Context, id ID, name string) (*Index, error) {
	if raw, _, err := c.read(name); err == nil {
		if ix, err := parseIndexOf(id, raw); err == nil {
			return ix, nil
		}
		c.shelf.drop(name)
	}
	ix, err := c.upstream.Index(ctx, id)
	if err == nil {
		c.keep(name, ix.Encode())
	}
	return ix, err
}

// Block opens a block's frame.
func (c *Cache) Block(ctx context.Context, id ID, number uint32) (Frame, error) {
	ix, err := c.Index(ctx, id)
	if err != nil {
		return nil, err
	}
	b, _, ok := ix.Find(number)
	if !ok {
		return nil, fmt.Errorf("image %s, block %d: %w", id, number, ErrUnknown)
	}
	if f, sound, err := c.shelf.open(b.name()); err == nil {
		if sound {
			c.hits.Add(1)
			return f, nil
		}
		_ = f.Close()
	}
	frame, err := c.once(ctx, b.name(), func(ctx context.Context, _ string) (any, error) { return c.loadBlock(ctx, id, ix, b) })
	if err != nil {
		return nil, err
	}
	return byteFrame(frame.([]byte)), nil
}

// name has the length too: another version of the encoder may pack the same
// block into another frame.
func (b Block) name() string { return fmt.Sprintf("%s-%d", hex.EncodeToString(b.Sum[:]), b.Length) }

// loadBlock gives a frame that was checked: the folder's, where a power cut
// may have left anything, or upstream's.
func (c *Cache) loadBlock(ctx context.Context, id ID, ix *Index, b Block) ([]byte, error) {
	if frame, sound, err := c.read(b.name()); err == nil {
		if sound || c.sound(ctx, ix, b, frame) {
			c.shelf.vouch(b.name())
			c.hits.Add(1)
			return frame, nil
		}
		c.damaged.Add(1)
		c.log.Warn("a cached block is damaged and is fetched again", "image", id, "block", b.Number)
		c.shelf.drop(b.name())
	}
	c.misses.Add(1)
	release, err := take(ctx, c.fetching)
	if err != nil {
		return nil, err
	}
	defer release()
	buf := newBuffers(ix.BlockSize)
	if err := c.upstream.block(ctx, id, ix, b, buf); err != nil {
		return nil, err
	}
	c.keep(b.name(), buf.frame)
	return buf.frame, nil
}

// sound says whether a frame is the block's.
func (c *Cache) sound(ctx context.Context, ix *Index, b Block, frame []byte) bool {
	release, err := take(ctx, c.checking)
	if err != nil {
		return false
	}
	defer release()
	_, length := ix.Span(int64(b.Number))
	return len(frame) == int(b.Length) && c.upstream.unpack(frame, aligned(length), b.Sum) == nil
}

// take waits for one of the places in a channel.
func take(ctx context.Context, places chan struct{}) (release func(), err error) {
	select {
	case places <- struct{}{}:
		return func() { <-places }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Recheck looks whether a block that a client found wrong is still what it
// should be, and drops it if not.
func (c *Cache) Recheck(ctx context.Context, id ID, number uint32) error {
	ix, err := c.Index(ctx, id)
	if err != nil {
		return err
	}
	b, _, ok := ix.Find(number)
	if !ok {
		return fmt.Errorf("image %s, block %d: %w", id, number, ErrUnknown)
	}
	_, err = c.once(ctx, "recheck-"+b.name(), func(ctx context.Context, _ string) (any, error) {
		// Where there is none, the next to ask fetches it.
		if frame, _, err := c.read(b.name()); err == nil && !c.sound(ctx, ix, b, frame) {
			c.shelf.drop(b.name())
		}
		return nil, nil
	})
	return err
}

// once does what many want one time. It goes on when the first of them leaves:
// the others still wait for it, and at worst the cache has one more block.
func (c *Cache) once(ctx context.Context, name string, do func(context.Context, string) (any, error)) (any, error) {
	done := c.flight.DoChan(name, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
		defer cancel()
		return do(ctx, name)
	})
	select {
	case r := <-done:
		return r.Val, r.Err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (c *Cache) read(name string) (content []byte, sound bool, err error) {
	f, sound, err := c.shelf.open(name)
	if err != nil {
		return nil, false, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	content, err = io.ReadAll(io.LimitReader(f, indexLimit))
	return content, sound, err
}

// keep does without: a disk that is full makes a cache slow, not useless.
func (c *Cache) keep(name string, content []byte) {
	if err := c.shelf.put(name, content); err != nil {
		c.log.Error("a part of an image is not cached", "name", name, "error", err)
	}
}
