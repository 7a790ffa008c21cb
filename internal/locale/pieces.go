package locale

import "strings"

// Piece is a part of a text: either words in the reader's language, with a nil Value, or the place
// of an argument that the caller renders.
type Piece struct {
	Text  string // the words; for <name>words</name>, those between the tags
	Value any    // the argument
}

// Pieces returns the text of key in parts, for a page whose sentence contains a link or markup.
// Each {name} whose argument Text cannot format, and each <name>…</name> that has an argument, is a
// separate Piece. Tags without an argument are ordinary words.
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

// words appends a part of a text that contains no further pieces.
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

// nextPiece searches text for a place or tag from start on, and returns its position and end. piece
// is nil if it belongs to the surrounding words. at is -1 if there is none.
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
