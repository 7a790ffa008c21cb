package overlays

import (
	"context"
	"strconv"

	"github.com/left4me/left4me/internal/charset"
	"github.com/left4me/left4me/internal/left4me"
)

// Text is a file as people read it.
type Text struct {
	Text     string
	Encoding string // its name, for Encoded; empty when it is UTF-8
	Label    string // the encoding for people
	Guess    bool   // the encoding is the likeliest, and people may know better
}

// TextOf returns what a whole file says; ok is false for what is no text. A text in
// another encoding than UTF-8 is decoded; the setting of names in archives decides
// for one that is too short to tell. Encoded gives the file again.
func (c *Overlays) TextOf(ctx context.Context, data []byte) (t Text, ok bool, err error) {
	hint, err := c.servers.TextHint(ctx)
	if err != nil {
		return Text{}, false, err
	}
	text, g, err := charset.ReadText(data, hint)
	if err != nil {
		return Text{}, false, nil //nolint:nilerr // it is no text, which is no failure
	}
	t = Text{Text: text, Guess: !g.Sure}
	if g.Name != charset.UTF8 {
		e, _ := charset.FindText(g.Name)
		t.Encoding, t.Label = e.Name, e.Label
	}
	return t, true, nil
}

// EncodingOf is an encoding with its label, without a text.
func EncodingOf(name string, guess bool) Text {
	e, ok := charset.FindText(name)
	if !ok {
		return Text{Encoding: name, Label: name}
	}
	return Text{Encoding: e.Name, Label: e.Label, Guess: guess}
}

// Encoded is a text as a file in an encoding; empty is UTF-8. Errors:
// left4me.Invalid for an encoding that isn't known, and with the first character
// that it doesn't have.
func Encoded(text, encoding string) ([]byte, error) {
	if encoding == "" {
		return []byte(text), nil
	}
	e, ok := charset.FindText(encoding)
	if !ok {
		return nil, left4me.NewError(left4me.Invalid, "encoding.unknown", "encoding", short(encoding)).InField("encoding")
	}
	if r, line, lacks := e.Lacks(text); lacks {
		return nil, left4me.NewError(left4me.Invalid, "encoding.no_such_character", "line", line, "encoding", e.Label, "character",
			strconv.QuoteRune(r)).InField("encoding")
	}
	b, err := e.Encode(text)
	if err != nil {
		return nil, left4me.NewError(left4me.Invalid, "encoding.not_possible", "encoding", e.Label).InField("encoding")
	}
	return b, nil
}
