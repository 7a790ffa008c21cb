package left4me_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/left4me/left4me/internal/left4me"
)

// withArgs returns errors with arguments of all types.
func withArgs() []*left4me.Error {
	inner := left4me.NewError(left4me.DiskFull, "disk.full", "path", "/var", "free", left4me.Bytes(1<<30), "needed", nil)
	return []*left4me.Error{
		left4me.NewError(left4me.Conflict, "port.in_use", "port", 27015, "server", left4me.Name("beta")),
		left4me.NewError(left4me.Unavailable, "git.timeout", "within", 90*time.Second).InField("git.url"),
		left4me.NewError(left4me.Unavailable, "github.limit", "until", time.Date(2026, 11, 29, 20, 15, 0, 0, time.UTC)),
		left4me.NewError(left4me.DiskFull, "upload.disk_full", "error", inner).Because(errors.New("inner")),
		left4me.NewError(left4me.Invalid, "git.ref_invalid", "ref", strings.Repeat("ä", 300)),
		left4me.NewError(left4me.Unavailable, "steamcmd.offline", "reason", ""),
		left4me.NewError(left4me.Unavailable, "steamcmd.offline", "reason", "no route"),
	}
}

func TestErrorTextsAreRenderedFromCode(t *testing.T) {
	want := []string{
		"port 27015 is already used by beta; choose another port, or leave the port empty to use the next free one",
		"fetching the repository took longer than 1m30s; try again, or use a smaller repository",
		"the GitHub request limit for this host is used up until 20:15 UTC; " +
			"check for new releases less often: GitHub allows 60 requests an hour without an account",
		"disk full: /var has 1.0 GiB free; " +
			"free some space; the uploaded data is kept for two days. A twentieth of the disk, at most 5 GiB, must stay free",
		`"` + strings.Repeat("ä", 200) +
			`" is not a valid branch, tag or commit; correct the name, or leave it empty for the default branch`,
		"SteamCMD could not reach Steam; check the host's network, DNS and firewall (outgoing TCP 443 and 27015-27050), " +
			"and whether Steam is down, then try again",
	}
	for i, e := range withArgs()[:len(want)] {
		if text, hint := e.Render(); text != e.Text || hint != e.Hint || e.Error() != want[i] {
			t.Errorf("%s is rendered as %q, %q; want %q", e.Code, text, hint, e.Error())
		}
	}
	if e := withArgs()[6]; e.Text != "SteamCMD could not reach Steam: no route" {
		t.Error(e.Text)
	}
}

func TestFailedStartHasHintOfCause(t *testing.T) {
	for want, reason := range map[string]*left4me.Error{
		"port 1 is already used by b; choose another port, or leave the port empty to use the next free one; " +
			"check the console of a": left4me.NewError(left4me.Conflict, "port.in_use", "port", 1, "server", "b"),
		"the server ended while starting; check the console of a": left4me.NewError(left4me.Unavailable, "state.ended_while_starting"),
	} {
		if e := left4me.NewError(left4me.Unavailable, "server.start_failed", "reason", reason, "server", "a"); e.Error() != want {
			t.Errorf("%q, want %q", e, want)
		}
	}
}

func TestErrorJSONRoundTrip(t *testing.T) {
	for _, e := range withArgs() {
		b, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		var got left4me.Error
		if err := json.Unmarshal(b, &got); err != nil {
			t.Fatal(err)
		}
		want := *e
		want.Err = nil
		if d := cmp.Diff(&want, &got); d != "" {
			t.Errorf("%s\n%s", b, d)
		}
		if text, hint := got.Render(); text != e.Text || hint != e.Hint {
			t.Errorf("%s is rendered as %q, %q", b, text, hint)
		}
	}
}

// Hosts and stored rows may be of another version.
func TestUnknownErrorIsShownByItsText(t *testing.T) {
	for name, b := range map[string]string{
		"a new code":       `{"kind":"conflict","code":"port.of_tomorrow","args":{"x":{"later":1}},"text":"a","hint":"b"}`,
		"before another":   `{"kind":"conflict","code":"auth.log_of_tomorrow","text":"a","hint":"b"}`,
		"no code":          `{"kind":"conflict","text":"a","hint":"b"}`,
		"no argument":      `{"kind":"conflict","code":"port.in_use","args":{"server":"beta"},"text":"a","hint":"b"}`,
		"another argument": `{"kind":"conflict","code":"github.limit","args":{"until":"soon"},"text":"a","hint":"b"}`,
		"a wide number":    `{"kind":"conflict","code":"port.in_use","args":{"port":1e300,"server":"beta"},"text":"a","hint":"b"}`,
		"a null":           `{"kind":"conflict","code":"port.in_use","args":{"port":null,"server":"beta"},"text":"a","hint":"b"}`,
	} {
		var e left4me.Error
		if err := json.Unmarshal([]byte(b), &e); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if text, hint := e.Render(); text != "a" || hint != "b" {
			t.Errorf("%s: rendered as %q, %q", name, text, hint)
		}
	}
}

func TestClippedErrorHasBoundedSize(t *testing.T) {
	long := strings.Repeat("\x01", 64<<10)
	e := left4me.NewError(left4me.Conflict, "gone.from", "a", long, "b", long, "c", long, "n", 5)
	for range 5 {
		e = left4me.NewError(left4me.Conflict, "gone.from", "error", e, "more", long)
	}
	e.Code, e.Args["Bad"], e.Args["a"] = strings.Repeat("x", 500), "x", int64(5)
	b, err := json.Marshal(e.Clipped())
	if err != nil {
		t.Fatal(err)
	}
	if len(b) > 17<<10 { // 8 KiB of text, 8 KiB of arguments, and the JSON around them
		t.Errorf("got %d bytes", len(b))
	}
	c := e.Clipped()
	if c.Code != "" || c.Args["error"] == nil || c.Args["a"] != int64(5) || c.Args["Bad"] != nil {
		t.Errorf("got %.200s", b)
	}
	if c.Clipped() != c {
		t.Error("clipping twice changed the error")
	}
}

// Arguments that are not text, and the overhead of nested errors, count as well.
func TestClippedArgumentsWithoutText(t *testing.T) {
	wide := func(value func() any) left4me.Args {
		a := left4me.Args{}
		for i := range 16 {
			a[strings.Repeat("x", 39)+string(rune('a'+i))] = value()
		}
		return a
	}
	nested := func(args left4me.Args) any {
		return &left4me.Error{Kind: left4me.Busy, Code: "a.b", Field: strings.Repeat("f", 20000), Args: args}
	}
	numbers := func() any { return nested(wide(func() any { return int64(1 << 60) })) }
	e := nested(wide(func() any { return nested(wide(numbers)) })).(*left4me.Error)
	e.Kind = left4me.Kind(strings.Repeat("k", 20000))
	e.Args["a"] = &left4me.Error{Kind: e.Kind}
	c := e.Clipped()
	b, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	if len(b) > 12<<10 {
		t.Errorf("got %d bytes", len(b))
	}
	if c.Clipped() != c {
		t.Error("clipping twice changed the error")
	}
}

// Each level of nesting is decoded several times, so decoding all levels would take quadratic time.
func TestDeeplyNestedErrorsAreNotDecoded(t *testing.T) {
	const levels = 1000
	b := []byte(strings.Repeat(`{"kind":"busy","code":"a.b","text":"x","args":{"error":{"error":`, levels) +
		`{"kind":"busy","text":"y"}` + strings.Repeat("}}}", levels))
	allocs := testing.AllocsPerRun(1, func() {
		var e left4me.Error
		if err := json.Unmarshal(b, &e); err != nil {
			t.Error(err)
		}
	})
	if allocs > levels/2 {
		t.Errorf("decoding %d levels takes %.0f allocations", levels, allocs)
	}
}

// A password that is masked in the text must not remain in the arguments.
func TestPublicJobHidesPasswordsInArguments(t *testing.T) {
	for _, e := range []*left4me.Error{
		left4me.NewError(left4me.Unavailable, "server.start_failed", "reason", "sv_password zoey", "server", "a"),
		left4me.NewError(left4me.Unavailable, "client.unreachable", "where", "sv_password", "reason", "zoey"),
		left4me.NewError(left4me.Conflict, "archive.of_several", "archive", "a", "error",
			left4me.NewError(left4me.Unavailable, "server.start_failed", "reason", "rcon_password zoey", "server", "a")),
		{
			Kind: left4me.Unavailable, Code: "port.of_tomorrow", Args: left4me.Args{"cvar": "sv_password", "value": "zoey"},
			Text: "sv_password zoey",
		},
	} {
		p := left4me.Job{Error: e}.Public().Error
		text, hint := p.Render()
		b, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(b)+text+hint, "zoey") {
			t.Errorf("%s is rendered as %q, %q", b, text, hint)
		}
	}
}

// JSON cannot encode a name that is not UTF-8, so only the text contains it.
func TestErrorTextKeepsNonUTF8Argument(t *testing.T) {
	e := left4me.NewError(left4me.NotFound, "stack.file_unknown", "path", "a\xff")
	b, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	var got left4me.Error
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	if text, _ := got.Render(); text != `the stack has no file "a\xff"` {
		t.Errorf("%s is rendered as %s", b, text)
	}
}

func FuzzError(f *testing.F) {
	for _, e := range withArgs() {
		b, err := json.Marshal(e)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	nested := `{"kind":"busy","code":"a.b","text":"x"}`
	for range 6 {
		nested = `{"kind":"busy","code":"archive.of_several","args":{"archive":"a","error":{"error":` + nested + `}},"text":"x"}`
	}
	f.Add([]byte(nested))
	f.Add([]byte(`{"kind":"busy","code":"git.timeout","args":{"within":{"seconds":1e308}},"text":""}`))
	f.Add([]byte(`{"kind":"busy","code":"github.limit","args":{"until":{"time":"9999-12-31T23:59:59Z"}},"text":""}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var e left4me.Error
		if json.Unmarshal(b, &e) != nil {
			return
		}
		e.Render()
		out, err := json.Marshal(e.Clipped())
		if err != nil {
			t.Fatalf("%s: %v", b, err)
		}
		if len(out) > 32<<10 {
			t.Errorf("got %d bytes", len(out))
		}
		var again left4me.Error
		if err := json.Unmarshal(out, &again); err != nil {
			t.Fatalf("%s: %v", out, err)
		}
		a, _ := json.Marshal(again.Clipped())
		if string(a) != string(out) {
			t.Errorf("%s became %s", out, a)
		}
		left4me.Job{Error: &e}.Public()
	})
}
