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
	texts   *[]entry // sorted by key; nil for Pseudo, which derives its texts from English
	parent  *Printer
	plural  func(n int64) string // CLDR plural category of a non-negative integer
	number  func(n int64) string // formats an integer with digit grouping
	decimal string               // decimal separator
}

// Tag returns the language's BCP 47 tag: "en", "zh-Hans".
func (p *Printer) Tag() string { return p.tag }

// Text returns the text of key with its arguments, which are alternating names and values. A text
// missing in the language is taken from English; for an unknown key, Text returns the key. Package
// locale's tests make sure that neither happens.
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

// Lookup returns the text of key with its arguments by name. It returns false if there is no such
// text, or if an argument is missing or does not support its format.
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

// Has reports whether the language or English has a text for key.
func (p *Printer) Has(key string) bool {
	_, in := p.entry(key)
	return in != nil
}

// entry returns the entry of key and the printer of its language.
func (p *Printer) entry(key string) (entry, *Printer) {
	for ; p != nil; p = p.parent {
		if e, ok := p.find(key); ok {
			return e, p
		}
	}
	return entry{}, nil
}

// form returns the plural form of e selected by the argument count.
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

// pairs are arguments as alternating names and values.
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

// Message is a text that is not formatted yet. As an argument of another text, it is formatted in
// that text's language. A sentence with two counts needs this: each count is a Message with its own
// plural forms.
type Message struct {
	Key  string
	Args []any // alternating names and values
}

// M returns a Message. args are alternating names and values.
func M(key string, args ...any) Message { return Message{key, args} }

// In returns the text of m in a language.
func (m Message) In(p *Printer) string { return p.Text(m.Key, m.Args...) }

type contextKey struct{}

// All returns the texts of the language, without English for missing ones, whose key starts with
// prefix, sorted by key. A text without plural forms has only the form "other".
func (p *Printer) All(prefix string) iter.Seq2[string, map[string]string] {
	return func(yield func(string, map[string]string) bool) {
		for _, e := range *p.texts {
			if !strings.HasPrefix(e.key, prefix) {
				continue
			}
			if !yield(e.key, e.all()) {
				return
			}
		}
	}
}

// Forms returns the texts whose key starts with prefix for a script that fills in the arguments. A
// value is a text or a map of plural forms.
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

// Into returns a context whose texts p formats.
func Into(ctx context.Context, p *Printer) context.Context {
	return context.WithValue(ctx, contextKey{}, p)
}

// From returns the printer of a context; default: English.
func From(ctx context.Context) *Printer {
	if p, ok := ctx.Value(contextKey{}).(*Printer); ok {
		return p
	}
	return English
}

// T returns the text of key in the language of ctx; see Printer.Text.
func T(ctx context.Context, key string, args ...any) string { return From(ctx).Text(key, args...) }

// English is the language that has every text.
var English = &Printer{tag: "en", texts: &englishTexts, plural: englishPlural, number: englishNumber, decimal: "."}

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
	i, ok := slices.BinarySearchFunc(*p.texts, key, func(e entry, key string) int { return strings.Compare(e.key, key) })
	if !ok {
		return entry{}, false
	}
	return (*p.texts)[i], true
}
