package vdf

import (
	"iter"
	"strings"
)

// Node is a key with its value or, if Block is set, with its children in the order of the file. The root of a file is
// a block without key.
type Node struct {
	Key       string
	Value     string
	Block     bool
	Condition string // "[$WIN32]" if it stood there; conditions that don't hold leave no node
	Children  []*Node
	Line      int // of the key, from 1; 0 if not read from a file
}

// Get follows a path of keys, ignoring case; of duplicate keys the first wins. It returns nil if there is none. It may
// be called on nil, so calls can be chained.
func (n *Node) Get(path ...string) *Node {
	for _, key := range path {
		if n == nil {
			return nil
		}
		var found *Node
		for c := range n.All(key) {
			found = c
			break
		}
		n = found
	}
	return n
}

// Text returns the value at a path, "" if there is none or it is a block. It may be called on nil.
func (n *Node) Text(path ...string) string {
	if n = n.Get(path...); n != nil && !n.Block {
		return n.Value
	}
	return ""
}

// All yields the children with a key, ignoring case, in their order. It may be called on nil.
func (n *Node) All(key string) iter.Seq[*Node] {
	return func(yield func(*Node) bool) {
		if n == nil {
			return
		}
		for _, c := range n.Children {
			if strings.EqualFold(c.Key, key) && !yield(c) {
				return
			}
		}
	}
}

// Add appends a value and returns it.
func (n *Node) Add(key, value string) *Node {
	c := &Node{Key: key, Value: value}
	n.Children = append(n.Children, c)
	return c
}

// AddBlock appends an empty block and returns it.
func (n *Node) AddBlock(key string) *Node {
	c := &Node{Key: key, Block: true}
	n.Children = append(n.Children, c)
	return c
}

// merge adds what base has and n has not, block by block: the meaning of #base. Of duplicate keys the first counts.
func (n *Node) merge(base *Node) {
	first := make(map[string]*Node, len(n.Children))
	for _, c := range n.Children {
		if key := strings.ToLower(c.Key); first[key] == nil {
			first[key] = c
		}
	}
	for _, b := range base.Children {
		key := strings.ToLower(b.Key)
		switch own := first[key]; {
		case own == nil:
			n.Children, first[key] = append(n.Children, b), b
		case own.Block && b.Block:
			own.merge(b)
		}
	}
}
