package format

import (
	"context"
	"time"

	"github.com/left4me/left4me/internal/bytesize"
	"github.com/left4me/left4me/internal/locale"
)

// MachineTime returns a time for scripts, in RFC 3339.
func MachineTime(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// PersonTime returns a time in UTC for readers whose browser runs no scripts.
func PersonTime(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// Span returns a duration in its two largest units: 3 h 05 min.
func Span(ctx context.Context, d time.Duration) string { return locale.From(ctx).Duration(d) }

// Elapsed formats the duration of an operation, with more precision for short durations: 345 ms, 3.4 s,
// 12 min.
func Elapsed(ctx context.Context, d time.Duration) string { return locale.From(ctx).Elapsed(d) }

// Amounts returns two numbers, as sizes in the same unit if unit is "bytes".
func Amounts(ctx context.Context, a, b int64, unit string) (string, string) {
	if unit != "bytes" {
		return Amount(ctx, a, unit), Amount(ctx, b, unit)
	}
	p, small, like := locale.From(ctx), min(a, b), max(a, b)
	if small > 0 && bytesize.Unit(like) > 10*small && 10*small >= bytesize.Unit(like/1000) {
		like /= 1000 // 1.0 kB and 2000.0 kB say more than 0.0 MB and 2.0 MB
	}
	return p.SizeLike(a, like), p.SizeLike(b, like)
}

// Amount returns a number, as a size if unit is "bytes".
func Amount(ctx context.Context, n int64, unit string) string {
	if unit != "bytes" {
		return locale.From(ctx).Number(n)
	}
	return locale.From(ctx).Size(n)
}
