package download_test

import (
	"testing"

	"github.com/left4me/left4me/internal/host/content/download"
)

func FuzzContentRange(f *testing.F) {
	for _, s := range []string{
		"bytes 5-9/10", "bytes */10", "bytes 0-0/*", "bytes 5-4/10", "bytes -1-9/10",
		"bytes 5-9/99999999999999999999", "items 5-9/10",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if first, all, ok := download.ContentRange(s); ok && (first < 0 || all < -1 || all >= 0 && first > 0 && first >= all) {
			t.Errorf("ContentRange(%q) = %d, %d, which is impossible", s, first, all)
		}
	})
}
