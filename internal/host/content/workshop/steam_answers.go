package workshop

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/left4me/left4me/internal/steam"
)

// memory caches Steam's answers for some minutes, so that overlays that share items, and users who
// reload a page, don't cause repeated requests.
type memory struct {
	keep, quiet time.Duration
	asking      chan struct{} // held during a request

	mu          sync.Mutex
	files       map[string]answer[steam.PublishedFile]
	collections map[string]answer[[]steam.Child] // nil slice: not a collection
	quietUntil  time.Time
}

type answer[T any] struct {
	v  T
	at time.Time
}

// maxItems limits the number of cached answers. Above it, expired ones are removed.
const maxItems = 20_000

func newMemory(keep, quiet time.Duration) memory {
	return memory{
		keep: keep, quiet: quiet, asking: make(chan struct{}, 1),
		files: map[string]answer[steam.PublishedFile]{}, collections: map[string]answer[[]steam.Child]{},
	}
}

// publishedFiles is steam.Client.PublishedFiles with a cache.
func (m *memory) publishedFiles(ctx context.Context, c *steam.Client, ids []string) (map[string]steam.PublishedFile, error) {
	return recall(ctx, m, ids, func() map[string]answer[steam.PublishedFile] { return m.files },
		func(ids []string) (map[string]steam.PublishedFile, error) {
			return c.PublishedFiles(ctx, ids)
		}, func(f steam.PublishedFile, ok bool) bool { return ok && f.Outcome != steam.Throttled })
}

// collectionsOf is steam.Client.Collections with a cache.
func (m *memory) collectionsOf(ctx context.Context, c *steam.Client, ids []string) (map[string][]steam.Child, error) {
	found, err := recall(ctx, m, ids, func() map[string]answer[[]steam.Child] { return m.collections },
		func(ids []string) (map[string][]steam.Child, error) {
			return c.Collections(ctx, ids)
		}, func([]steam.Child, bool) bool { return true })
	for id, children := range found {
		if children == nil {
			delete(found, id)
		}
	}
	return found, err
}

// recall returns cached answers and requests the rest. settled reports whether an answer may be cached;
// its second argument is false if Steam gave none.
func recall[T any](ctx context.Context, m *memory, ids []string, known func() map[string]answer[T],
	ask func([]string) (map[string]T, error), settled func(T, bool) bool,
) (map[string]T, error) {
	select {
	case m.asking <- struct{}{}:
		defer func() { <-m.asking }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	found := map[string]T{}
	rest, quiet := missing(m, ids, known, found)
	if len(rest) == 0 {
		return found, nil
	}
	if quiet > 0 {
		return found, fmt.Errorf("it wants to be left alone for %s: %w", quiet.Round(time.Second), steam.ErrBusy)
	}
	got, err := ask(rest)
	m.mu.Lock()
	defer m.mu.Unlock()
	if errors.Is(err, steam.ErrBusy) {
		m.quietUntil = time.Now().Add(m.quiet)
	}
	for _, id := range rest {
		v, ok := got[id]
		if err == nil && settled(v, ok) || err != nil && ok && settled(v, ok) {
			known()[id] = answer[T]{v, time.Now()}
		}
		if ok || err == nil {
			found[id] = v
		}
	}
	return found, err
}

// missing returns the IDs without a valid cached answer, and how long Steam must not be asked. Cached
// answers are added to found.
func missing[T any](m *memory, ids []string, known func() map[string]answer[T], found map[string]T) (rest []string, quiet time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := known()
	if len(all) > maxItems {
		for id, a := range all {
			if time.Since(a.at) > m.keep {
				delete(all, id)
			}
		}
	}
	if len(all) > maxItems {
		clear(all)
	}
	for _, id := range ids {
		if a, ok := all[id]; ok && time.Since(a.at) <= m.keep {
			found[id] = a.v
		} else {
			rest = append(rest, id)
		}
	}
	return rest, time.Until(m.quietUntil)
}

// locks holds one lock per item.
type locks struct {
	mu   sync.Mutex
	each map[string]chan struct{}
}

// take acquires an item's lock, or fails when ctx ends.
func (l *locks) take(ctx context.Context, id string) (free func(), err error) {
	l.mu.Lock()
	if l.each == nil {
		l.each = map[string]chan struct{}{}
	}
	c := l.each[id]
	if c == nil {
		c = make(chan struct{}, 1)
		l.each[id] = c
	}
	l.mu.Unlock()
	select {
	case c <- struct{}{}:
		return func() { <-c }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}
