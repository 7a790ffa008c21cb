package format

import (
	"fmt"
	"time"

	"github.com/left4me/left4me/internal/bytesize"
)

// Count is a number with its noun.
func Count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// MachineTime is a time as scripts read it.
func MachineTime(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// PersonTime is a time for people whose browser runs no script.
func PersonTime(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// Span is a duration as people say it: two parts at most.
func Span(d time.Duration) string {
	s := int64(max(d, 0).Seconds())
	switch {
	case s < 60:
		return fmt.Sprintf("%d s", s)
	case s < 3600:
		return fmt.Sprintf("%d min", s/60)
	case s < 24*3600:
		return fmt.Sprintf("%d h %02d min", s/3600, s/60%60)
	}
	return fmt.Sprintf("%d d %d h", s/86400, s/3600%24)
}

// Amount is a count with its unit.
func Amount(n int64, unit string) string {
	if unit != "bytes" {
		return fmt.Sprintf("%d", n)
	}
	return bytesize.Format(n)
}
