package steam

import (
	"context"
	"errors"
	"fmt"
)

// Limits of Expand.
const (
	MaxDepth = 5     // maximum nesting of collections
	MaxItems = 5_000 // maximum number of items in total
)

// ErrTooMany is returned if collections contain more than MaxItems items.
var ErrTooMany = errors.New("too many items")

// Tree is the result of Expand.
type Tree struct {
	Items       []string            // without collections and duplicates, in the order of discovery
	Collections map[string][]Child  // collections found, with their entries
	Through     map[string][]string // for each item, the requested ids that lead to it
	TooDeep     []string            // collections nested too deeply, which were not expanded
}

// Expand resolves ids to the items in their collections. It expands each collection once, even if
// collections contain each other. ask is [Client.Collections] or a cache of it. Errors: those of
// ask, and ErrTooMany.
func Expand(ctx context.Context, ids []string, ask func(context.Context, []string) (map[string][]Child, error)) (*Tree, error) {
	t := &Tree{Collections: map[string][]Child{}, Through: map[string][]string{}}
	ids = numbers(ids)
	level := ids
	for depth := 0; len(level) > 0; depth++ {
		if depth == MaxDepth {
			t.TooDeep = level
			break
		}
		found, err := ask(ctx, level)
		if err != nil {
			return nil, err
		}
		var next []string
		for _, id := range level {
			children, ok := found[id]
			if !ok {
				continue
			}
			t.Collections[id] = children
			for _, c := range children {
				if _, known := t.Collections[c.ID]; c.Collection && !known {
					next = append(next, c.ID)
				}
			}
		}
		if level = numbers(next); len(level) > MaxItems {
			return nil, fmt.Errorf("%w: %d collections in collections", ErrTooMany, len(level))
		}
	}
	seen := map[string]bool{}
	for _, id := range ids {
		t.walk(id, id, seen, map[string]bool{})
	}
	if len(t.Items) > MaxItems {
		return nil, fmt.Errorf("%w: %d, and %d is the most", ErrTooMany, len(t.Items), MaxItems)
	}
	return t, nil
}

// walk records the items under id, which was reached from root.
func (t *Tree) walk(root, id string, seen, inRoot map[string]bool) {
	if inRoot[id] {
		return
	}
	inRoot[id] = true
	if children, ok := t.Collections[id]; ok {
		for _, c := range children {
			if _, known := t.Collections[c.ID]; known || !c.Collection {
				t.walk(root, c.ID, seen, inRoot)
			}
		}
		return
	}
	if !seen[id] {
		seen[id] = true
		t.Items = append(t.Items, id)
	}
	if id != root {
		t.Through[id] = append(t.Through[id], root)
	}
}
