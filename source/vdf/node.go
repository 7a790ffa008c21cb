package vdf

import (
	"iter"
	"strings"
)

// Node is a key with its value or, if Block is set, with its children in the order of the file. The
// root of a file is a block without a key.
type Node struct {
	Key       string
	Value     string
	Block     bool
	Condition string // "[$WIN32]" if present; nodes whose condition does not hold are omitted
	Children  []*Node
	Line      int // line of the key, counted from 1; 0 if not read from a file
}

// Get follows a path of keys, ignoring case. Of duplicate keys it uses the first. It returns nil if the
// path does not exist. Get may be called on nil, so calls can be chained.
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

// Text returns the value at a path, or "" if it does not exist or is a block. It may be called on nil.
func (n *Node) Text(path ...string) string {
	if n = n.Get(path...); n != nil && !n.Block {
		return n.Value
	}
	return ""
}

// All yields the children with a key in order, ignoring case. It may be called on nil.
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

// merge adds the nodes of base that n lacks, block by block, as #base requires. Of duplicate keys it
// uses the first.
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
