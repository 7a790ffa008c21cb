package vdf

import (
	"errors"
	"fmt"
	"strings"
)

// ErrQuote is returned for a text that contains a quotation mark, which can be written only with
// escapes.
var ErrQuote = errors.New("a quote needs escapes")

// Format returns the children of root as the text of a file. See [Append].
func Format(root *Node, o Options) (string, error) {
	b, err := Append(nil, root, o)
	return string(b), err
}

// Append appends the children of root as the text of a file. [Parse] with the same options returns the
// same tree except for line numbers. The text is UTF-8, with all tokens quoted and indented by tabs. Of
// the options only Escapes is used. Append returns ErrQuote for text that cannot be written and
// ErrTooLarge for a tree deeper than MaxDepth; dst is then returned unchanged.
func Append(dst []byte, root *Node, o Options) ([]byte, error) {
	b, err := appendChildren(dst, root, o, 0)
	if err != nil {
		return dst, err
	}
	return b, nil
}

func appendChildren(b []byte, n *Node, o Options, depth int) ([]byte, error) {
	if depth > MaxDepth {
		return b, fmt.Errorf("vdf: format: %w", ErrTooLarge)
	}
	var err error
	for _, c := range n.Children {
		b = indent(b, depth)
		if b, err = appendQuoted(b, c.Key, o); err != nil {
			return b, err
		}
		if !c.Block {
			b = append(b, "\t\t"...)
			if b, err = appendQuoted(b, c.Value, o); err != nil {
				return b, err
			}
			b = appendCondition(b, c.Condition)
			b = append(b, '\n')
			continue
		}
		b = appendCondition(b, c.Condition)
		b = append(b, '\n')
		b = append(indent(b, depth), "{\n"...)
		if b, err = appendChildren(b, c, o, depth+1); err != nil {
			return b, err
		}
		b = append(indent(b, depth), "}\n"...)
	}
	return b, nil
}

func indent(b []byte, depth int) []byte {
	for range depth {
		b = append(b, '\t')
	}
	return b
}

func appendCondition(b []byte, c string) []byte {
	if c == "" {
		return b
	}
	return append(append(b, '\t'), c...)
}

func appendQuoted(b []byte, s string, o Options) ([]byte, error) {
	if o.Escapes {
		s = escaper.Replace(s)
	} else if strings.Contains(s, `"`) {
		return b, fmt.Errorf("vdf: format %q: %w", clip(s), ErrQuote)
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"'), nil
}
