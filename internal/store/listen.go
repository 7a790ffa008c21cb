package store

import (
	"context"
	"iter"
	"strings"
	"sync"
)

// Bell notifies listeners. The zero value is ready for use.
type Bell struct {
	mu        sync.Mutex
	listeners map[chan struct{}]bool
}

// Ring notifies all listeners. It never blocks; rings while a listener is busy are coalesced.
func (b *Bell) Ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for c := range b.listeners {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

// Listen returns a channel that receives rings until ctx ends.
func (b *Bell) Listen(ctx context.Context) <-chan struct{} {
	c := make(chan struct{}, 1)
	b.listen(ctx, c)
	return c
}

func (b *Bell) listen(ctx context.Context, c chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.listeners == nil {
		b.listeners = map[chan struct{}]bool{}
	}
	b.listeners[c] = true
	context.AfterFunc(ctx, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.listeners, c)
	})
}

// tables holds the bells of tables, by name.
type tables struct {
	mu    sync.Mutex
	bells map[string]*Bell
}

func (t *tables) bell(name string) *Bell {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.bells == nil {
		t.bells = map[string]*Bell{}
	}
	if t.bells[name] == nil {
		t.bells[name] = &Bell{}
	}
	return t.bells[name]
}

// Listen returns a channel that receives a value after each write to one of the named tables, until
// ctx ends. Writes while the listener is busy are coalesced.
func (s *Store) Listen(ctx context.Context, tables ...string) <-chan struct{} {
	c := make(chan struct{}, 1)
	for _, name := range tables {
		s.tables.bell(name).listen(ctx, c)
	}
	return c
}

// Rings yields a value for each value received from a or b, until ctx ends. The sequence may be
// ranged over only once.
func Rings(ctx context.Context, a, b <-chan struct{}) iter.Seq[struct{}] {
	return func(yield func(struct{}) bool) {
		for {
			select {
			case <-a:
			case <-b:
			case <-ctx.Done():
				return
			}
			if !yield(struct{}{}) {
				return
			}
		}
	}
}

// writtenTable returns the table that a statement writes to, or "" for a query.
func writtenTable(query string) string {
	words := strings.Fields(query)
	for i, w := range words[:max(len(words)-1, 0)] {
		switch {
		case i == 0 && w == "UPDATE", i > 0 && (w == "INTO" || w == "FROM") && (words[0] == "INSERT" || words[0] == "DELETE"):
			name, _, _ := strings.Cut(words[i+1], "(")
			return name
		}
	}
	return ""
}
