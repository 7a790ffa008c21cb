package left4me_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/left4me/left4me/internal/left4me"
	"golang.org/x/sys/unix"
)

func diff(t testing.TB, was, is string) []left4me.LineChange {
	t.Helper()
	lines, err := left4me.DiffLines(t.Context(), was, is)
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

func TestDiffLines(t *testing.T) {
	show := func(was, is string) string {
		var b strings.Builder
		for _, l := range diff(t, was, is) {
			switch {
			case !l.Is:
				b.WriteByte('-')
			case !l.Was:
				b.WriteByte('+')
			}
			b.WriteString(l.Text + " ")
		}
		return strings.TrimSpace(b.String())
	}
	for _, c := range []struct{ was, is, want string }{
		{"", "", ""},
		{"a\n", "a\n", "a"},
		{"", "a\nb\n", "+a +b"},
		{"a\nb\n", "", "-a -b"},
		{"a\nb\nc\n", "a\nx\nc\n", "a -b +x c"},
		{"a\nb\nc\nd\n", "b\nd\ne\n", "-a b -c d +e"},
		{"a", "a\n", "a"},
	} {
		if got := show(c.was, c.is); got != c.want {
			t.Errorf("%q to %q: %s, want %s", c.was, c.is, got, c.want)
		}
	}
	// A part that is too long to compare is returned as removed and added lines.
	if got := diff(t, strings.Repeat("a\n", 3000), strings.Repeat("b\nc\n", 3000)); len(got) != 9000 {
		t.Errorf("%d lines", len(got))
	}
}

// longTexts returns pairs of texts of at least n lines, each of a kind that is slow for some diff
// algorithm.
func longTexts(n int) map[string][2]string {
	var numbered, scattered, backwards strings.Builder
	for i := range n {
		fmt.Fprintf(&numbered, "line %d\n", i)
		fmt.Fprintf(&backwards, "line %d\n", n-i)
		if i%100 == 0 {
			fmt.Fprintf(&scattered, "came %d\n", i)
		} else {
			fmt.Fprintf(&scattered, "line %d\n", i)
		}
	}
	equal := strings.Repeat("a\n", n)
	return map[string][2]string{
		"equal":     {equal, equal},
		"end":       {"x\n" + equal, "y\n" + equal},
		"scattered": {numbered.String(), scattered.String()},
		"backwards": {numbered.String(), backwards.String()},
		"repeated":  {strings.Repeat("a\nb\n", n/2), strings.Repeat("b\nc\na\n", n/3)},
		"all":       {equal, strings.Repeat("b\n", n)},
	}
}

// Diffing four times the lines may take about four times as long, but not sixteen times. The test
// measures the thread's CPU time, which does not count time in which other threads run.
func TestDiffLinesTimeIsLinear(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	took := func(c [2]string) time.Duration {
		best := time.Duration(math.MaxInt64)
		for range 2 {
			begun := threadTime(t)
			diff(t, c[0], c[1])
			best = min(best, threadTime(t)-begun)
		}
		return best
	}
	const noise = 10 * time.Millisecond
	few := longTexts(10_000)
	for name, c := range longTexts(40_000) {
		lines := diff(t, c[0], c[1])
		if one, four := took(few[name]), took(c); four > 10*one+noise {
			t.Errorf("%s: %s, and four times as long %s", name, one, four)
		}
		changed := 0
		for _, l := range lines {
			if l.Was != l.Is {
				changed++
			}
		}
		if want := map[string]int{"equal": 0, "end": 2, "scattered": 800, "all": 80_000}; changed != want[name] && name != "backwards" &&
			name != "repeated" {
			t.Errorf("%s: %d lines changed, want %d", name, changed, want[name])
		}
	}
}

// looks is a context that ends after a number of calls of Err.
type looks struct {
	context.Context
	left int
}

func (l *looks) Err() error {
	if l.left--; l.left < 0 {
		return context.Canceled
	}
	return nil
}

// A comparison must check its context often, and return no partial result after it has ended.
func TestDiffLinesStopsWhenContextEnds(t *testing.T) {
	for name, c := range longTexts(20_000) {
		whole := &looks{t.Context(), 1 << 30}
		if _, err := left4me.DiffLines(whole, c[0], c[1]); err != nil {
			t.Fatal(err)
		}
		n := 1<<30 - whole.left
		// The context is checked at least once per 4096 lines of both texts, and more often if lines are costly.
		if least := map[string]int{"scattered": 10_000, "backwards": 10_000}[name]; n < max(least, 11) {
			t.Errorf("%s: the context was checked %d times", name, n)
		}
		for _, after := range []int{0, n / 2, n - 1} {
			if lines, err := left4me.DiffLines(&looks{t.Context(), after}, c[0], c[1]); !errors.Is(err, context.Canceled) || lines != nil {
				t.Errorf("%s: %d lines after %d of %d checks, %v", name, len(lines), after, n, err)
			}
		}
	}
}

func BenchmarkDiffLines(b *testing.B) {
	for _, n := range []int{1000, 10_000, 50_000, 200_000} {
		for name, c := range longTexts(n) {
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				for b.Loop() {
					diff(b, c[0], c[1])
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/line")
			})
		}
	}
}

// The lines marked Was must form the old text, and the lines marked Is the new text.
func FuzzDiffLines(f *testing.F) {
	f.Add("a\nb\nc", "a\nc\nd")
	f.Add("", "\n\n")
	f.Fuzz(func(t *testing.T, was, is string) {
		var a, b []string
		for _, l := range diff(t, was, is) {
			if l.Was {
				a = append(a, l.Text)
			}
			if l.Is {
				b = append(b, l.Text)
			}
		}
		if strings.Join(a, "\n") != strings.TrimSuffix(was, "\n") || strings.Join(b, "\n") != strings.TrimSuffix(is, "\n") {
			t.Errorf("%q, %q: %q, %q", was, is, a, b)
		}
	})
}

// threadTime returns the CPU time of the current thread.
func threadTime(t *testing.T) time.Duration {
	t.Helper()
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &ts); err != nil {
		t.Fatal(err)
	}
	return time.Duration(ts.Nano())
}
