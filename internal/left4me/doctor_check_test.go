package left4me_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/locale"
)

func TestCheckCrossesJSONAndIsRenderedByCode(t *testing.T) {
	reason := left4me.NewError(left4me.Conflict, "port.in_use", "port", 27015, "server", "beta")
	made := left4me.NewCheck(left4me.CheckBroken, "process", "process.failed", "reason", reason,
		"log", left4me.Commands("left4me server logs beta"), "command", left4me.Commands("left4me server start beta"))
	b, err := json.Marshal(made)
	if err != nil {
		t.Fatal(err)
	}
	var got left4me.Check
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(made, got); d != "" {
		t.Errorf("%s\n%s", b, d)
	}
	text, fix := got.Render()
	if text != "the server failed: "+reason.Said() ||
		fix != "`left4me server logs beta` shows its last output; then `left4me server start beta`" || text != got.Text || fix != got.Mend {
		t.Errorf("got %q, %q from %s", text, fix, b)
	}
	got.Text, got.Mend = "a", "b"
	if text, fix := got.RenderIn(locale.Pseudo); !strings.HasPrefix(text, "⟦ţĥé") || !strings.Contains(fix, "`left4me server start beta`") {
		t.Errorf("in another language: %q, %q", text, fix)
	}
}

// A host may run another build.
func TestCheckWithUnknownCodeKeepsItsTexts(t *testing.T) {
	for name, b := range map[string]string{
		"new code":         `{"code":"disk.of_tomorrow","args":{"x":{"later":1}},"text":"a","mend":"b"}`,
		"no code":          `{"text":"a","mend":"b"}`,
		"missing argument": `{"code":"process.stopped","text":"a","mend":"b"}`,
	} {
		var c left4me.Check
		if err := json.Unmarshal([]byte(b), &c); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if text, fix := c.Render(); text != "a" || fix != "b" || c.Worded() {
			t.Errorf("%s: got %q, %q", name, text, fix)
		}
	}
}

func TestRemedyIsRendered(t *testing.T) {
	for want, r := range map[string]left4me.Remedy{
		"":                        {},
		"`a b`":                   left4me.Commands("a b"),
		"`a`, then `b`, then `c`": left4me.Commands("a", "b", "c"),
		"as root: `a`, then `b`":  {Commands: []string{"a", "b"}, AsRoot: true},
		"install the packages that Debian calls git 7zip": {Packages: "git 7zip"},
	} {
		if got := r.String(); got != want {
			t.Errorf("%+v: got %q, want %q", r, got, want)
		}
	}
}

// Half a command may do harm: one that is too long is left out, and the text that came with the
// check is shown.
func TestRemedyOfHostileHostIsBounded(t *testing.T) {
	long := strings.Repeat("\x01", 4<<10)
	for name, r := range map[string]left4me.Remedy{
		"long command":  left4me.Commands("rm " + strings.Repeat("x", 4<<10)),
		"many commands": left4me.Commands(strings.Split(strings.Repeat("a ", 50), " ")...),
		"long packages": {Packages: long},
		"invalid UTF-8": left4me.Commands("a\xff"),
	} {
		c := left4me.NewCheck(left4me.CheckBroken, "process", "process.stopped", "command", r)
		b, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		var got left4me.Check
		if err := json.Unmarshal(b, &got); err != nil {
			t.Fatal(err)
		}
		if e := (&left4me.Error{Kind: left4me.Busy, Args: c.Args}).Clipped(); len(e.Args) > 0 {
			t.Errorf("%s: got %+v", name, e.Args)
		}
		if name != "invalid UTF-8" && (len(got.Args) > 0 || got.Worded()) {
			t.Errorf("%s: got %+v", name, got.Args)
		}
	}
}

// An error among the arguments may name what the reader may not see.
func TestErrorsOfCheckAreReplacedInArgumentsAndTexts(t *testing.T) {
	secret := left4me.NewError(left4me.Conflict, "port.in_use", "port", 27015, "server", "secret")
	hidden := left4me.NewError(left4me.Conflict, "object.hidden")
	hide := func(*left4me.Error) *left4me.Error { return hidden }
	known := left4me.NewCheck(left4me.CheckBroken, "answer", "answer.none", "reason", secret, "command", left4me.Commands("date"))
	unknown := left4me.Check{Code: "answer.of_tomorrow", Args: known.Args, Text: "No answer: " + secret.Text, Mend: "b"}
	for _, c := range []left4me.Check{known, unknown} {
		got := c.WithErrors(hide)
		b, err := json.Marshal(got)
		if err != nil || strings.Contains(string(b), "secret") || !strings.Contains(got.Text, hidden.Text) {
			t.Errorf("got %s, %v", b, err)
		}
		if c.Args["reason"] != secret {
			t.Error("the original was changed")
		}
	}
}

func TestJobHidesPasswordInRemedy(t *testing.T) {
	args := left4me.Args{"command": left4me.Commands("echo rcon_password hunter22")}
	e := left4me.Received(left4me.Denied, "doctor.of_tomorrow", args, "not allowed", "")
	if got := (left4me.Job{Error: e}).Public().Error; got.Code != "" || got.Args != nil {
		t.Errorf("got %+v", got)
	}
}
