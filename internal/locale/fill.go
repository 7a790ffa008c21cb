package locale

import (
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/left4me/left4me/internal/bytesize"
)

// Bytes is an argument that is a number of bytes.
type Bytes int64

// Arg is an argument that formats itself. InLocale returns its text in the language of p and in a
// format, which may be empty, and reports whether it supports the format.
type Arg interface {
	InLocale(p *Printer, format string) (string, bool)
}

// fill writes text with its arguments. It returns false if an argument outside double brackets is
// missing or does not support its format.
func (p *Printer) fill(b *strings.Builder, text string, args values) bool {
	for {
		before, rest, optional := strings.Cut(text, "[[")
		if ok, _ := p.fillPlaces(b, before, args); !ok {
			return false
		}
		if !optional {
			return true
		}
		var part string
		part, text, _ = strings.Cut(rest, "]]")
		var s strings.Builder
		if ok, empty := p.fillPlaces(&s, part, args); ok && !empty {
			b.WriteString(s.String())
		}
	}
}

// fillPlaces writes text with its arguments. It reports whether it succeeded, and whether an
// argument was empty.
func (p *Printer) fillPlaces(b *strings.Builder, text string, args values) (ok, empty bool) {
	for {
		before, rest, found := strings.Cut(text, "{")
		b.WriteString(before)
		if !found {
			return true, empty
		}
		place, after, closed := strings.Cut(rest, "}")
		name, format, _ := strings.Cut(place, ":")
		v, there := args.get(name)
		if !closed || !there {
			return false, empty
		}
		if name == "count" && format == "" {
			format = "number"
		}
		s, ok := p.arg(v, format)
		if !ok {
			return false, empty
		}
		empty = empty || s == ""
		b.WriteString(s)
		text = after
	}
}

// arg formats an argument. It returns false if the argument does not support the format.
func (p *Printer) arg(v any, format string) (string, bool) {
	switch v := v.(type) {
	case string:
		return textArg(v, format)
	case int:
		return p.integer(int64(v), format)
	case int64:
		return p.integer(v, format)
	case Bytes:
		return p.bytes(v, format)
	case time.Duration:
		return p.duration(v, format)
	case time.Time:
		return timeArg(v, format)
	case Message:
		return v.In(p), format == ""
	case Arg:
		return v.InLocale(p, format)
	}
	switch r := reflect.ValueOf(v); {
	case !r.IsValid():
		return "", false
	case r.Kind() == reflect.String:
		return textArg(r.String(), format)
	case r.CanInt():
		return p.integer(r.Int(), format)
	case r.CanUint():
		return p.integer(int64(r.Uint()), format) // #nosec G115 -- ids and sizes are below 1<<63
	}
	return "", false
}

func textArg(s, format string) (string, bool) {
	if format == "" {
		return s, true
	}
	limit, cut := strings.CutPrefix(format[:len(format)-1], ".")
	if n, err := strconv.Atoi(limit); cut && err == nil {
		if runes := []rune(s); len(runes) > n {
			s = string(runes[:n])
		}
	} else if cut || limit != "" {
		return "", false
	}
	switch format[len(format)-1] {
	case 'q':
		return strconv.Quote(s), true
	case 's':
		return s, true
	}
	return "", false
}

func integer(v any) (int64, bool) {
	switch v := v.(type) {
	case int:
		return int64(v), true
	case int64:
		return v, true
	case nil:
		return 0, false
	}
	if r := reflect.ValueOf(v); r.CanInt() {
		return r.Int(), true
	}
	return 0, false
}

func (p *Printer) integer(n int64, format string) (string, bool) {
	switch format {
	case "":
		return strconv.FormatInt(n, 10), true
	case "number":
		return p.Number(n), true
	case "x":
		return strconv.FormatInt(n, 16), true
	}
	return "", false
}

func (p *Printer) bytes(n Bytes, format string) (string, bool) {
	switch format {
	case "":
		return strconv.FormatInt(int64(n), 10), true
	case "size":
		return p.Size(int64(n)), true
	case "short":
		return p.decimals(bytesize.Short(int64(n))), true
	case "MB":
		return p.decimals(bytesize.MB(int64(n))), true
	case "binary":
		return p.decimals(bytesize.Binary(int64(n))), true
	case "KiB":
		return strconv.FormatInt(int64(n>>10), 10), true
	case "GiB":
		return strconv.FormatInt(int64(n>>30), 10), true
	}
	return "", false
}

func (p *Printer) duration(d time.Duration, format string) (string, bool) {
	switch format {
	case "":
		return d.String(), true
	case "hours":
		return strconv.Itoa(int(d.Hours())), true
	case "span":
		switch {
		case d >= 2*time.Hour && d%time.Hour == 0:
			return p.Text("duration.n_hours", "count", int64(d/time.Hour)), true
		case d >= 2*time.Minute && d%time.Minute == 0:
			return p.Text("duration.n_minutes", "count", int64(d/time.Minute)), true
		}
		return d.String(), true
	}
	return "", false
}

func timeArg(t time.Time, format string) (string, bool) {
	switch format {
	case "time":
		return t.UTC().Format("15:04 MST"), true
	case "date":
		return t.UTC().Format("2006-01-02 15:04 MST"), true
	}
	return "", false
}
