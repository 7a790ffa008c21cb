package archive

import (
	"context"
	"errors"
	"io"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/left4me/left4me/internal/charset"
	"github.com/left4me/left4me/internal/left4me"
)

// Bounds on the detection of the encoding of names.
const (
	textMost    = 64 << 10  // bytes of one inspected text
	textsMost   = 128 << 10 // bytes of all inspected texts
	streamMost  = 256 << 20 // bytes of an archive other than a zip, which must be read sequentially
	maxExamples = 12        // encodings shown in a plan
	maxShown    = 3         // names shown per encoding
)

// nameEncoding looks up an encoding by name. It returns left4me.Invalid for an unknown one.
func nameEncoding(name string) (charset.Encoding, error) {
	e, ok := charset.Find(name)
	if ok {
		return e, nil
	}
	var known []string
	for _, e := range charset.All() {
		known = append(known, e.Name)
	}
	return e, left4me.NewError(left4me.Invalid, "encoding.unknown_in_archive", "encoding", shorten(name), "known",
		strings.Join(known, ", ")).InField("import.names")
}

// namesOf returns the encoding of an archive's names, either set by the user or detected, and adds
// it to the plan. It returns "" if none is set and all names are UTF-8.
func (f *Found) namesOf(ctx context.Context, s *source, all []entry) (string, error) {
	var odd [][]byte
	slashed := false
	for _, e := range all {
		if !e.UTF8 && !utf8.Valid(e.Name) {
			odd = append(odd, e.Name)
			slashed = slashed || e.Slashed
		}
	}
	chosen := f.options.Names
	if len(odd) == 0 {
		return chosen, nil
	}
	if chosen != "" {
		e, err := nameEncoding(chosen)
		if err != nil {
			return "", err
		}
		f.showNames(odd, slashed, charset.Guess{Name: e.Name, Sure: true})
		return e.Name, nil
	}
	g := charset.Detect(odd, f.options.NamesHint)
	if !g.Sure {
		texts, err := f.texts(ctx, s, all)
		if err != nil {
			return "", err
		}
		if len(texts) > 0 {
			if more := charset.Detect(append(texts, odd...), f.options.NamesHint); charset.Fits(more.Name, odd) {
				g = more
			}
		}
	}
	f.showNames(odd, slashed, g)
	w := left4me.NewWarning(left4me.WarnName, s.name, "names.detected", "encoding", g.Name)
	if !g.Sure {
		w = left4me.NewWarning(left4me.WarnName, s.name, "names.guessed", "encoding", g.Name)
	}
	f.plan.Warnings = append(f.plan.Warnings, w)
	return g.Name, nil
}

// showNames adds to the plan how some names read in the chosen encoding and in others.
func (f *Found) showNames(odd [][]byte, slashed bool, g charset.Guess) {
	if f.plan.Names != nil {
		return // the plan already shows names of another archive
	}
	slices.SortStableFunc(odd, func(a, b []byte) int { return len(b) - len(a) }) // longer names are better examples
	odd = odd[:min(len(odd), maxShown)]
	n := &left4me.PlanNames{Encoding: g.Name, Guess: !g.Sure}
	seen := map[string]bool{}
	show := func(e charset.Encoding) {
		var names []string
		for _, b := range odd {
			if slashed {
				b = e.Unslashed(b)
			}
			name, err := e.Decode(b)
			if err != nil {
				return
			}
			names = append(names, shorten(path.Base(strings.ReplaceAll(name, `\`, "/"))))
		}
		if key := strings.Join(names, "/"); !seen[key] && len(n.Examples) < maxExamples {
			seen[key] = true
			n.Examples = append(n.Examples, left4me.NamesIn{Encoding: e.Name, Names: names})
		}
	}
	if e, ok := charset.Find(g.Name); ok {
		show(e)
	}
	for _, e := range charset.All() {
		show(e)
	}
	f.plan.Names = n
}

// textual reports whether an entry may be a small hand-written text.
func textual(e entry) bool {
	if e.Kind != regular || e.Size <= 0 || e.Size > textMost {
		return false
	}
	return slices.Contains([]string{".txt", ".cfg", ".ini", ".nfo", ".md", ".vdf", ".sp"}, strings.ToLower(path.Ext(string(e.Name))))
}

// texts returns texts in an archive that are not UTF-8. Most likely they have the same encoding as
// the names.
func (f *Found) texts(ctx context.Context, s *source, all []entry) (texts [][]byte, err error) {
	left := 0
	for _, e := range all {
		if textual(e) {
			left++
		}
	}
	if left == 0 || s.format != Zip && s.size() > streamMost {
		return nil, nil
	}
	enough, size := errors.New("enough"), 0
	err = f.walk(ctx, s, purposeText, func(e entry, body io.Reader) error {
		if !textual(e) || body == nil {
			return nil
		}
		b, err := io.ReadAll(io.LimitReader(body, textMost))
		if err != nil {
			return bodyError{err}
		}
		if !utf8.Valid(b) && !slices.Contains(b, 0) {
			texts = append(texts, b)
			size += len(b)
		}
		if left--; left == 0 || size > textsMost {
			return enough
		}
		return nil
	})
	if errors.Is(err, enough) {
		err = nil
	}
	return texts, err
}

// decoded returns the name of an entry as text. encoding applies to names that are not declared to
// be UTF-8. The only error is charset.ErrNot.
func (e entry) decoded(encoding charset.Encoding) (string, error) {
	if e.UTF8 || encoding.Name == "" {
		return string(e.Name), nil // clean rejects invalid UTF-8
	}
	b := e.Name
	if e.Slashed {
		b = encoding.Unslashed(b)
	}
	name, err := encoding.Decode(b)
	if err != nil {
		return name, err
	}
	return name, nil
}
