package store

import (
	"context"
	"iter"
	"strings"
	"sync"
)

// Bell tells listeners that something is new. The zero value is ready for use.
type Bell struct {
	mu        sync.Mutex
	listeners map[chan struct{}]bool
}

// Ring tells all listeners. It never waits: several rings while a listener is busy
// are one.
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

// tables are the bells of tables, by name.
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

// Listen returns a channel that receives a value after each write to one of the
// named tables, until ctx ends. Several writes while the listener is busy are one.
func (s *Store) Listen(ctx context.Context, tables ...string) <-chan struct{} {
	c := make(chan struct{}, 1)
	for _, name := range tables {
		s.tables.bell(name).listen(ctx, c)
	}
	return c
}

// Rings gives a value for each ring of one of the bells until ctx ends. It must be
// ranged over once.
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

// written is the table that a statement writes to; empty when the statement only
// reads.
func written(query string) string {
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
