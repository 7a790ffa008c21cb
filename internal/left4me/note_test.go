package left4me_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/locale"
)

func TestStepCrossesJSONAndItsNotesAreRenderedByCode(t *testing.T) {
	made := left4me.Step{Label: left4me.StepPublish, State: left4me.StepDone}
	made.SetNotes(left4me.NewNote("game.build", "build", 9002), left4me.NewNote("game.layer_size", "size", left4me.Bytes(12_000_000)))
	made.SetWarnings(left4me.NewNote("game.outdated"))
	b, err := json.Marshal(made)
	if err != nil {
		t.Fatal(err)
	}
	var got left4me.Step
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(made, got); d != "" {
		t.Errorf("%s\n%s", b, d)
	}
	if got.Note != "build 9002; its layer takes 12 MB" || got.NoteIn(locale.English) != got.Note ||
		got.WarningIn(locale.English) != got.Warning || got.Warning != "the installed game is outdated" {
		t.Errorf("got %+v", got)
	}
	if text := got.NoteIn(locale.Pseudo); !strings.Contains(text, "9002") || strings.Contains(text, "build") {
		t.Errorf("in another language: %q", text)
	}
	if made.SetNotes(); made.Note != "" || made.NoteIn(locale.English) != "" {
		t.Errorf("after removing the notes: %+v", made)
	}
}

// A host may run another build, and rows of the database may be older than codes.
func TestNoteOfOtherBuildKeepsItsText(t *testing.T) {
	for name, b := range map[string]string{
		"plain text":       `"a"`,
		"no code":          `{"code":"","text":"a"}`,
		"new code":         `{"code":"game.of_tomorrow","args":{"x":{"later":1}},"text":"a"}`,
		"missing argument": `{"code":"game.build","text":"a"}`,
		"invalid code":     `{"code":"../error.port.in_use","text":"a"}`,
	} {
		var n left4me.Note
		if err := json.Unmarshal([]byte(b), &n); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if n.String() != "a" || n.IsZero() || strings.Contains(n.Code, "/") {
			t.Errorf("%s: got %+v", name, n)
		}
	}
	old := left4me.Step{Note: "a", Warning: "b"}
	if old.NoteIn(locale.Pseudo) != "a" || old.WarningIn(locale.Pseudo) != "b" {
		t.Error("the texts of a step without codes are missing")
	}
}

func TestNotesOfHostileHostAreBounded(t *testing.T) {
	long := strings.Repeat("\x01", 64<<10)
	s := left4me.Step{Note: long, Warning: long}
	for range 1000 {
		s.Notes = append(s.Notes, left4me.Note{Code: "path.is", Args: left4me.Args{"path": long}, Text: long})
	}
	s.Warnings = s.Notes
	b, err := json.Marshal(s.Clipped())
	if err != nil || len(b) > 100<<10 {
		t.Errorf("%d bytes, %v", len(b), err)
	}
	n := left4me.NewNote("path.is", "path", "/srv")
	s = left4me.Step{}
	s.SetNotes(n)
	if got := s.Clipped(); len(got.Notes) != 1 || !got.Notes[0].Same(n) {
		t.Errorf("a short note was changed: %+v", got)
	}
}

func TestJobHidesPasswordsInNotes(t *testing.T) {
	n := left4me.NewNote("path.is", "path", "rcon_password hunter22")
	j := left4me.Job{Steps: make([]left4me.Step, 1)}
	j.Steps[0].SetNotes(n)
	j.Steps[0].SetWarnings(n)
	b, err := json.Marshal(j.Public())
	if err != nil || strings.Contains(string(b), "hunter22") {
		t.Errorf("got %s, %v", b, err)
	}
	if j.Steps[0].Notes[0].Args == nil {
		t.Error("the original was changed")
	}
}

// An error among the arguments may name what the reader may not see.
func TestErrorsOfNotesAreReplacedInArgumentsAndTexts(t *testing.T) {
	secret := left4me.NewError(left4me.Conflict, "port.in_use", "port", 27015, "server", "secret")
	hidden := left4me.NewError(left4me.Conflict, "object.hidden")
	known := left4me.NewNote("error.is", "error", secret)
	unknown := left4me.Note{Code: "error.of_tomorrow", Args: known.Args, Text: "because: " + secret.Text}
	var s left4me.Step
	s.SetNotes(known, unknown)
	s.SetWarnings(known)
	got := s.WithErrors(func(*left4me.Error) *left4me.Error { return hidden })
	b, err := json.Marshal(got)
	if err != nil || strings.Contains(string(b), "secret") || !strings.Contains(got.Note, hidden.Text) {
		t.Errorf("got %s, %v", b, err)
	}
	stale := known
	stale.Text = "the text of another build"
	if got := stale.WithErrors(func(*left4me.Error) *left4me.Error { return hidden }); got.Text != hidden.Error() {
		t.Errorf("the text was not rendered again: %+v", got)
	}
	if s.Notes[0].Args["error"] != secret {
		t.Error("the original was changed")
	}
}
