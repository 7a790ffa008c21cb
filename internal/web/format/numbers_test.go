package format_test

import (
	"testing"

	"github.com/left4me/left4me/internal/web/format"
)

func TestAmountsHaveOneUnit(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		a, b        int64
		unit, first string
		second      string
	}{
		{12_300_000, 20_000_000, "bytes", "12.3 MB", "20.0 MB"},
		{512_000, 20_000_000, "bytes", "0.5 MB", "20.0 MB"},
		{20_000_000, 20, "bytes", "20.0 MB", "0.0 MB"},
		{1000, 2_000_000, "bytes", "1.0 kB", "2000.0 kB"},
		{3_000_000_000, 900_000_000, "bytes", "3.00 GB", "0.90 GB"},
		{0, 0, "bytes", "0 B", "0 B"},
		{3, 40, "files", "3", "40"},
	} {
		if a, b := format.Amounts(t.Context(), test.a, test.b, test.unit); a != test.first || b != test.second {
			t.Errorf("%d and %d: got %s and %s, want %s and %s", test.a, test.b, a, b, test.first, test.second)
		}
	}
}
