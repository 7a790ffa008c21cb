package locale

import "strings"

// Piece is a part of a text: either words in the reader's language, with a nil Value, or
// the place of an argument that the caller writes.
type Piece struct {
	Text  string // the words; for <name>words</name> those between the tags
	Value any    // the argument
}

// Pieces returns the text of key in parts, for a page whose sentence contains a link or
// markup: each {name} whose argument is none of those that Text writes, and each
// <name>…</name> that has an argument, is a Piece of its own. Tags without an argument are
// words like any others.
func (p *Printer) Pieces(key string, args ...any) []Piece {
	e, in := p.entry(key)
	if in == nil {
		return []Piece{{Text: key}}
	}
	text, a := in.form(e, pairs(args)), pairs(args)
	var all []Piece
	for start := 0; ; {
		at, piece, end := in.nextPiece(text, start, a)
		if at < 0 {
			return in.words(all, text, a)
		}
		if piece == nil {
			start = end
			continue
		}
		all = append(in.words(all, text[:at], a), *piece)
		text, start = text[end:], 0
	}
}

// words appends a part of a text that has no pieces of its own.
func (p *Printer) words(all []Piece, text string, args values) []Piece {
	if text == "" {
		return all
	}
	var b strings.Builder
	if !p.fill(&b, text, args) {
		return append(all, Piece{Text: text})
	}
	return append(all, Piece{Text: b.String()})
}

// nextPiece looks for a place or tag in text from start on. It returns where that is and
// where it ends; piece is nil when it belongs to the words around it. at is -1 when there
// is none.
func (p *Printer) nextPiece(text string, start int, args values) (at int, piece *Piece, end int) {
	at = strings.IndexAny(text[start:], "{<")
	if at < 0 {
		return -1, nil, 0
	}
	at += start
	open, closing := text[at], byte('}')
	if open == '<' {
		closing = '>'
	}
	n := strings.IndexByte(text[at:], closing)
	if n < 0 {
		return at, nil, at + 1
	}
	name, format, _ := strings.Cut(text[at+1:at+n], ":")
	v, ok := args.get(name)
	if !ok {
		return at, nil, at + 1
	}
	if open == '{' {
		if _, writable := p.arg(v, format); writable {
			return at, nil, at + n + 1
		}
		return at, &Piece{Value: v}, at + n + 1
	}
	inner, _, ok := strings.Cut(text[at+n+1:], "</"+name+">")
	if !ok {
		return at, nil, at + 1
	}
	var b strings.Builder
	p.fill(&b, inner, args)
	return at, &Piece{Text: b.String(), Value: v}, at + n + 1 + len(inner) + len("</>") + len(name)
}
