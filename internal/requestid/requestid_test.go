package requestid_test

import (
	"bytes"
	"log/slog"
	"regexp"
	"strings"
	"testing"

	"github.com/left4me/left4me/internal/requestid"
)

func TestIDsAreUnique(t *testing.T) {
	a, b := requestid.New(), requestid.New()
	if a == b || !regexp.MustCompile(`^[a-z2-7]{12}$`).MatchString(a) {
		t.Errorf("got ids %q and %q", a, b)
	}
}

// outsideIDs maps foreign ids to whether they may be used.
var outsideIDs = map[string]bool{
	"":                                     false,
	"7f3a":                                 true,
	"b7ad6b7169203331":                     true, // a span of OpenTelemetry
	"0af7651916cd43dd8448eb211c80319c":     true, // nginx's $request_id
	"f058ebd6-02f7-4d3f-942e-904344e8cde5": true, // a UUID
	"aQ9_x.Y-z":                            true,
	"Z1b@x":                                false, // Apache's mod_unique_id has @ and -
	"two words":                            false,
	"line\nlevel=ERROR":                    false,
	"line\rmore":                           false,
	"esc\x1b[2J":                           false,
	"nul\x00":                              false,
	`quote"`:                               false,
	"a=b":                                  false,
	"größe":                                false,
	"\u202eabc":                            false,
	"\xff\xfe":                             false,
	strings.Repeat("a", 64):                true,
	strings.Repeat("a", 65):                false,
}

func TestForeignIDsAreShortAndPlain(t *testing.T) {
	for id, want := range outsideIDs {
		if requestid.Valid(id) != want {
			t.Errorf("%q: got %t", id, !want)
		}
		if got := requestid.From(requestid.With(t.Context(), id)); (got == id) != (want || id == "") {
			t.Errorf("with id %q, the context has %q", id, got)
		}
	}
}

func FuzzValid(f *testing.F) {
	for id := range outsideIDs {
		f.Add(id)
	}
	plain := regexp.MustCompile(`\A[A-Za-z0-9._-]{1,64}\z`)
	f.Fuzz(func(t *testing.T, id string) {
		if got, want := requestid.Valid(id), plain.MatchString(id); got != want {
			t.Errorf("%q: got %t, want %t", id, got, want)
		}
	})
}

func TestEnsureKeepsExistingID(t *testing.T) {
	ctx := requestid.With(t.Context(), "7f3a")
	if got := requestid.From(requestid.Ensure(ctx)); got != "7f3a" {
		t.Errorf("got %q", got)
	}
	a, b := requestid.From(requestid.Ensure(t.Context())), requestid.From(requestid.Ensure(t.Context()))
	if !requestid.Valid(a) || !requestid.Valid(b) || a == b {
		t.Errorf("got ids %q and %q", a, b)
	}
}

func TestLogLinesHaveContextID(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(requestid.LogHandler(slog.NewTextHandler(&out, nil)))
	ctx := requestid.With(t.Context(), "7f3a")
	for _, c := range []struct {
		write func()
		want  string
	}{
		{func() { log.InfoContext(ctx, "one") }, " msg=one request=7f3a\n"},
		{func() { log.With("job", 1).WarnContext(ctx, "two", "err", "x") }, " msg=two job=1 err=x request=7f3a\n"},
		{func() { log.InfoContext(t.Context(), "three") }, " msg=three\n"},
		{func() { log.Info("four") }, " msg=four\n"},
	} {
		out.Reset()
		c.write()
		if !strings.HasSuffix(out.String(), c.want) {
			t.Errorf("got %q, want suffix %q", out.String(), c.want)
		}
	}
}
