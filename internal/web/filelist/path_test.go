package filelist_test

import (
	"strings"
	"testing"

	"github.com/left4me/left4me/internal/web/filelist"
)

func TestPathBreaksAfterSlashes(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	if err := filelist.Path("a/<b>\u202e/c").Render(t.Context(), &b); err != nil || b.String() != "a/<wbr>&lt;b&gt;‹202E›/<wbr>c" {
		t.Errorf("got %q, %v", b.String(), err)
	}
}
