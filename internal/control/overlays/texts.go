package overlays

import (
	"context"
	"strconv"

	"github.com/left4me/left4me/internal/charset"
	"github.com/left4me/left4me/internal/left4me"
)

// Text is the decoded contents of a text file.
type Text struct {
	Text     string
	Encoding string // name to pass to Encoded; empty for UTF-8
	Label    string // display name of the encoding
	Guess    bool   // the encoding was guessed
}

// TextOf decodes a complete file; ok is false if it isn't text. For a text too short for detection,
// the site's setting for names in archives decides. Encoded reverses the decoding.
func (c *Overlays) TextOf(ctx context.Context, data []byte) (t Text, ok bool, err error) {
	hint, err := c.servers.TextHint(ctx)
	if err != nil {
		return Text{}, false, err
	}
	text, g, err := charset.ReadText(data, hint)
	if err != nil {
		return Text{}, false, nil //nolint:nilerr // not being text is no error
	}
	t = Text{Text: text, Guess: !g.Sure}
	if g.Name != charset.UTF8 {
		e, _ := charset.FindText(g.Name)
		t.Encoding, t.Label = e.Name, e.Label
	}
	return t, true, nil
}

// EncodingOf returns an encoding and its label, without a text.
func EncodingOf(name string, guess bool) Text {
	e, ok := charset.FindText(name)
	if !ok {
		return Text{Encoding: name, Label: name}
	}
	return Text{Encoding: e.Name, Label: e.Label, Guess: guess}
}

// Encoded encodes a text; an empty encoding is UTF-8. Errors: left4me.Invalid for an unknown
// encoding, and naming the first character that the encoding lacks.
func Encoded(text, encoding string) ([]byte, error) {
	if encoding == "" {
		return []byte(text), nil
	}
	e, ok := charset.FindText(encoding)
	if !ok {
		return nil, left4me.NewError(left4me.Invalid, "encoding.unknown", "encoding", truncate(encoding)).InField("encoding")
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
