package steam

import (
	"context"
	"errors"
	"fmt"
)

// Bounds of what collections lead to.
const (
	MaxDepth = 5     // collections in collections
	MaxItems = 5_000 // in all
)

// ErrTooMany is returned when collections lead to more items than anybody wants.
var ErrTooMany = errors.New("too many items")

// Tree is what some ids lead to.
type Tree struct {
	Items       []string            // that aren't collections, each once, in the order in which they are met
	Collections map[string][]Child  // those that were met
	Through     map[string][]string // the ids asked for through whose collections an item came
	TooDeep     []string            // collections that were not looked into: they lie too deep
}

// Expand follows collections to the items in them, each collection once, however they contain one another. ask is
// [Client.Collections], or something that remembers its answers. Errors: ask's, ErrTooMany.
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

// walk notes the items beneath id, which were reached from root.
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
