package vdf

import (
	"errors"
	"fmt"
	"strings"
)

// Limits of the parsers.
const (
	MaxSize     = 1 << 20 // bytes, including all included files
	MaxDepth    = 64      // levels of nested blocks
	maxIncludes = 8       // levels of nested files
	minInclude  = 4 << 10 // minimum bytes charged for an included file, which limits their number to 256
)

var (
	// ErrSyntax is returned for an invalid file.
	ErrSyntax = errors.New("syntax error")
	// ErrTooLarge is returned for a file over MaxSize or MaxDepth, or with too many nested includes.
	ErrTooLarge = errors.New("too large or too deep")
)

// Error describes the location of a problem in a file. It wraps ErrSyntax, ErrTooLarge or the error of
// Options.Include.
type Error struct {
	File string // name given to #include or #base, empty for the first file
	Line int    // counted from 1
	Text string
	Err  error
}

func (e *Error) Error() string {
	at := fmt.Sprintf("line %d", e.Line)
	if e.File != "" {
		at = e.File + " " + at
	}
	if e.Text == "" {
		return fmt.Sprintf("vdf: %s: %v", at, e.Err)
	}
	return fmt.Sprintf("vdf: %s: %s: %v", at, e.Text, e.Err)
}

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

// Options are the options of the parsers and of the writer. The zero value is correct for add-ons and
// missions.
type Options struct {
	// Escapes gives \n \t \\ \" their meaning in C. Steam's own files use escapes; addoninfo, missions
	// and gameinfo do not, because their paths contain backslashes.
	Escapes bool
	// Include returns a file named by #include or #base. If nil, both directives are ignored.
	Include func(name string) ([]byte, error)
}

// Parse parses a file written by a program; for files written by people see [ParseGame]. Errors are of
// the type *Error and are returned together with the tree so far, which is never nil. A quotation mark
// or a block that is not closed and a key without a value are errors, because the file was truncated.
func Parse(b []byte, o Options) (*Node, error) {
	left := MaxSize
	return parseFile(b, o, "", 0, &left)
}

// sizeOf returns the number of bytes that a file counts towards MaxSize.
func sizeOf(b []byte, depth int) int {
	if depth > 0 {
		return max(len(b), minInclude)
	}
	return len(b)
}

// parseFile subtracts the size of b from left, which all files share.
func parseFile(b []byte, o Options, name string, depth int, left *int) (*Node, error) {
	root := &Node{Block: true}
	if *left -= sizeOf(b, depth); *left < 0 {
		return root, &Error{File: name, Line: 1, Text: fmt.Sprintf("more than %d bytes", MaxSize), Err: ErrTooLarge}
	}
	if depth > maxIncludes {
		return root, &Error{File: name, Line: 1, Text: "included too deep", Err: ErrTooLarge}
	}
	p := parser{scanner: scanner{text: Decode(b), line: 1, escapes: o.Escapes}, options: o, file: name}
	err := p.block(root, 0)
	if o.Include == nil {
		return root, err
	}
	var included, bases []*Node
	for _, d := range p.directives {
		if err != nil {
			break
		}
		var file *Node
		content, fail := o.Include(d.Value)
		if fail != nil {
			err = p.fail(d.Line, d.Key+" "+d.Value, fail)
			break
		}
		if file, err = parseFile(content, o, d.Value, depth+1, left); d.Key == include {
			included = append(included, file.Children...)
		} else {
			bases = append(bases, file)
		}
	}
	root.Children = append(root.Children, included...)
	for _, base := range bases {
		root.merge(base)
	}
	return root, err
}

const (
	include = "#include"
	base    = "#base"
)

type parser struct {
	scanner
	options    Options
	file       string
	directives []*Node
}

func (p *parser) fail(line int, text string, err error) error {
	return &Error{File: p.file, Line: line, Text: text, Err: err}
}

// block reads pairs into n up to its closing brace or the end of the file.
func (p *parser) block(n *Node, depth int) error {
	if depth > MaxDepth {
		return p.fail(p.line, fmt.Sprintf("more than %d blocks within each other", MaxDepth), ErrTooLarge)
	}
	for {
		t := p.next()
		switch t.kind {
		case end:
			if p.open > 0 {
				return p.fail(p.open, "a quotation mark is not closed", ErrSyntax)
			}
			if depth > 0 {
				return p.fail(n.Line, fmt.Sprintf("the block %q is not closed", clip(n.Key)), ErrSyntax)
			}
			return nil
		case closing:
			if depth == 0 {
				return p.fail(t.line, "} without {", ErrSyntax)
			}
			return nil
		case opening:
			return p.fail(t.line, "{ without a key", ErrSyntax)
		case condition:
			// The condition belongs to no key, for example after a closing brace. The engine ignores
			// it, too.
			continue
		}
		if err := p.pair(n, t, depth); err != nil {
			return err
		}
	}
}

// pair reads the value or block of a key.
func (p *parser) pair(parent *Node, key token, depth int) error {
	child := &Node{Key: key.text, Line: key.line}
	met := true
	t := p.next()
	if t.kind == condition {
		child.Condition, met = t.text, holds(t.text)
		t = p.next()
	}
	var err error
	switch t.kind {
	case end, closing:
		return p.fail(t.line, fmt.Sprintf("key %q has no value", clip(child.Key)), ErrSyntax)
	case opening:
		child.Block = true
		err = p.block(child, depth+1)
	case condition:
		return p.fail(t.line, "two conditions", ErrSyntax)
	case word:
		child.Value = t.text
		if c, ok := p.peekCondition(); ok {
			child.Condition, met = c, met && holds(c)
		}
	}
	directive := strings.ToLower(child.Key)
	switch {
	case !met:
	case depth == 0 && !child.Block && (directive == include || directive == base):
		child.Key = directive
		p.directives = append(p.directives, child)
	default:
		parent.Children = append(parent.Children, child)
	}
	return err
}

func clip(s string) string {
	if len(s) > 40 {
		return s[:40] + "…"
	}
	return s
}
