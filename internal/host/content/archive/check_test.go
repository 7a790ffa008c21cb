package archive_test

import (
	"io"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/left4me/left4me/internal/host/content/archive"
)

func TestCheckReadsAtMostItsLimit(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		limit  int64
		late   bool
		want   []string
		unread int64
	}{
		"all":      {limit: 1 << 20, want: []string{"a.zip/addons/a.vpk", "a.zip/addons/b.vpk", "c.vpk"}},
		"a part":   {limit: 2, want: []string{"a.zip/addons/a.vpk", "a.zip/addons/b.vpk"}, unread: 6},
		"too late": {limit: 1 << 20, late: true, unread: 8},
	} {
		for kind, decoder := range map[string][]string{"inside": nil, "outside": decoderCommand} {
			dir := put(t, files{
				"a.zip": string(zipOf(t, "addons/a.vpk", "addons/b.vpk", "cfg/x.cfg")), "c.vpk": "loose",
			})
			f, err := open(t, dir, archive.Options{Decoder: decoder})
			if err != nil {
				t.Fatal(err)
			}
			until := time.Now().Add(time.Hour)
			if test.late {
				until = time.Now().Add(-time.Hour)
			}
			var got []string
			wanted := func(from string) bool { return path.Ext(from) == ".vpk" }
			unread, err := f.Check(t.Context(), archive.CheckLimits{Bytes: test.limit, Until: until}, wanted,
				func(from string, c archive.Content) error {
					b, err := io.ReadAll(io.NewSectionReader(c.File, 0, c.Size))
					if text := string(b); text != "x" && text != "loose" || c.Dir != nil && !strings.HasPrefix(text, "loose") {
						t.Errorf("%s, %s: got %q of %s", name, kind, text, from)
					}
					got = append(got, from)
					return err
				})
			if slices.Sort(got); cmp.Diff(test.want, got) != "" || err != nil || unread != test.unread {
				t.Errorf("%s, %s: got %v with %d bytes unread, %v; want %v and %d", name, kind, got, unread, err, test.want, test.unread)
			}
		}
	}
}
