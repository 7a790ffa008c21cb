package locale

import (
	"strconv"
	"strings"
	"time"

	"github.com/left4me/left4me/internal/bytesize"
)

// Number returns n with the digit grouping of the language: 12,345.
func (p *Printer) Number(n int64) string {
	if n > -1000 && n < 1000 {
		return strconv.FormatInt(n, 10)
	}
	return p.number(n)
}

// Size returns a number of bytes in the unit that fits: 999 B, 1.5 kB, 12.0 MB, 3.25 GB,
// in powers of 1000.
func (p *Printer) Size(n int64) string { return p.decimals(bytesize.Format(n)) }

// SizeLike returns a number of bytes in the unit that fits another, so that the two can be compared:
// 0.5 MB beside 12.0 MB.
func (p *Printer) SizeLike(n, like int64) string { return p.decimals(bytesize.FormatLike(n, like)) }

// decimals returns a number in English notation with the language's decimal separator.
func (p *Printer) decimals(s string) string {
	if p.decimal == "." {
		return s
	}
	return strings.Replace(s, ".", p.decimal, 1)
}

// Duration returns a duration in its two largest units, rounded down: 5 s, 12 min,
// 3 h 05 min, 2 d 4 h. A negative duration counts as 0.
func (p *Printer) Duration(d time.Duration) string {
	s := int64(max(d, 0).Seconds())
	switch {
	case s < 60:
		return p.Text("duration.seconds", "seconds", s)
	case s < 3600:
		return p.Text("duration.minutes", "minutes", s/60)
	case s < 24*3600:
		return p.Text("duration.hours", "hours", s/3600, "minutes", twoDigits(s/60%60))
	}
	return p.Text("duration.days", "days", p.Number(s/86400), "hours", s/3600%24)
}

// Elapsed returns a duration as Duration does, but with milliseconds below 1 s, 345 ms, and with
// one decimal below 10 s, 3.4 s.
func (p *Printer) Elapsed(d time.Duration) string {
	switch d = max(d, 0); {
	case d < time.Second:
		return p.Text("duration.milliseconds", "milliseconds", d.Milliseconds())
	case d < 10*time.Second:
		return p.Text("duration.seconds", "seconds", p.decimals(strconv.FormatFloat(d.Seconds(), 'f', 1, 64)))
	}
	return p.Duration(d)
}

func twoDigits(n int64) string {
	s := strconv.FormatInt(n, 10)
	if len(s) < 2 {
		return "0" + s
	}
	return s
}
