package locale

import (
	"context"
	"iter"
	"slices"
	"strconv"
	"strings"
)

// Printer writes texts in one language. It is safe for concurrent use.
type Printer struct {
	tag     string
	texts   []entry // sorted by key; nil for Pseudo, which makes its texts of English
	parent  *Printer
	plural  func(n int64) string // the plural category of CLDR of an integer that is not negative
	number  func(n int64) string // an integer with digit grouping
	decimal string               // the separator of decimals
}

// Tag returns the language's BCP 47 tag: "en", "zh-Hans".
func (p *Printer) Tag() string { return p.tag }

// Text returns the text of key with its arguments, which are names and values in turn.
// A text that the language lacks is English; a key that no language has is returned
// as it is. Package locale's tests hold that neither happens.
func (p *Printer) Text(key string, args ...any) string {
	e, in := p.entry(key)
	if in == nil {
		return key
	}
	text := in.form(e, pairs(args))
	if !strings.Contains(text, "{") && !strings.Contains(text, "[[") {
		return text
	}
	var b strings.Builder
	if !in.fill(&b, text, pairs(args)) {
		return text
	}
	return b.String()
}

// Lookup returns the text of key with its arguments by their names. It reports false when
// there is no such text, or when an argument is missing or does not suit its format.
func (p *Printer) Lookup(key string, args map[string]any) (string, bool) {
	e, in := p.entry(key)
	if in == nil {
		return "", false
	}
	text := in.form(e, named(args))
	if !strings.Contains(text, "{") {
		return text, true
	}
	var b strings.Builder
	ok := in.fill(&b, text, named(args))
	return b.String(), ok
}

// Has reports whether there is a text of that key in the language or in English.
func (p *Printer) Has(key string) bool {
	_, in := p.entry(key)
	return in != nil
}

// entry returns the entry of key and the printer whose language it is in.
func (p *Printer) entry(key string) (entry, *Printer) {
	for ; p != nil; p = p.parent {
		if e, ok := p.find(key); ok {
			return e, p
		}
	}
	return entry{}, nil
}

// form returns the plural form of e that the argument count selects.
func (p *Printer) form(e entry, args values) string {
	if e.forms == nil {
		return e.text
	}
	v, _ := args.get("count")
	n, ok := integer(v)
	if !ok {
		return e.text
	}
	if n < 0 {
		n = -n
	}
	text := ""
	switch p.plural(n) {
	case "zero":
		text = e.forms.zero
	case "one":
		text = e.forms.one
	case "two":
		text = e.forms.two
	case "few":
		text = e.forms.few
	case "many":
		text = e.forms.many
	}
	if text == "" {
		return e.text
	}
	return text
}

// values are the arguments of a text.
type values interface {
	get(name string) (any, bool)
}

// pairs are arguments as names and values in turn.
type pairs []any

func (a pairs) get(name string) (any, bool) {
	for i := 0; i+1 < len(a); i += 2 {
		if a[i] == name {
			return a[i+1], true
		}
	}
	return nil, false
}

type named map[string]any

func (a named) get(name string) (any, bool) {
	v, ok := a[name]
	return v, ok
}

// Message is a text that has not been written in a language yet. As an argument of
// another text it is written in that text's language, which is how a sentence has two
// counts: each is a Message with plural forms of its own.
type Message struct {
	Key  string
	Args []any // names and values in turn
}

// M returns a Message; args are names and values in turn.
func M(key string, args ...any) Message { return Message{key, args} }

// In returns the text of m in a language.
func (m Message) In(p *Printer) string { return p.Text(m.Key, m.Args...) }

type contextKey struct{}

// All returns the texts of English, or of another language before English fills its gaps,
// whose key begins with prefix, sorted by key. A text without plural forms has the form
// "other" alone.
func (p *Printer) All(prefix string) iter.Seq2[string, map[string]string] {
	return func(yield func(string, map[string]string) bool) {
		for _, e := range p.texts {
			if !strings.HasPrefix(e.key, prefix) {
				continue
			}
			if !yield(e.key, e.all()) {
				return
			}
		}
	}
}

// Forms returns the texts whose key begins with prefix for a script, which fills in the
// arguments: a value is a text, or a map of plural forms.
func (p *Printer) Forms(prefix string) map[string]any {
	all := map[string]any{}
	for key := range English.All(prefix) {
		e, in := p.entry(key)
		if e.forms == nil {
			all[key] = e.text
		} else if in != nil {
			all[key] = e.all()
		}
	}
	return all
}

// Into returns a context whose texts are written by p.
func Into(ctx context.Context, p *Printer) context.Context {
	return context.WithValue(ctx, contextKey{}, p)
}

// From returns the printer of a context; without one it is English.
func From(ctx context.Context) *Printer {
	if p, ok := ctx.Value(contextKey{}).(*Printer); ok {
		return p
	}
	return English
}

// T returns the text of key in the language of ctx; see Printer.Text.
func T(ctx context.Context, key string, args ...any) string { return From(ctx).Text(key, args...) }

// English is the language that has every text.
var English = &Printer{tag: "en", texts: englishTexts[:], plural: englishPlural, number: englishNumber, decimal: "."}

// Pseudo is English with accents, brackets and 40 % more characters, under the tag en-XA:
// it shows which text of a page does not come from the catalogue and which element is too
// narrow for a language with longer words.
var Pseudo = &Printer{tag: "en-XA", parent: English, plural: englishPlural, number: englishNumber, decimal: "."}

func englishPlural(n int64) string {
	if n == 1 {
		return "one"
	}
	return "other"
}

func englishNumber(n int64) string {
	s := strconv.FormatInt(n, 10)
	first := 0
	if n < 0 {
		first = 1
	}
	for i := len(s) - 3; i > first; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// find returns the entry of key in the language itself.
func (p *Printer) find(key string) (entry, bool) {
	if p == Pseudo {
		return findPseudo(key)
	}
	i, ok := slices.BinarySearchFunc(p.texts, key, func(e entry, key string) int { return strings.Compare(e.key, key) })
	if !ok {
		return entry{}, false
	}
	return p.texts[i], true
}
