package cli

import (
	"bytes"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/left4me/left4me/internal/left4me"
)

// The flags printed for an answer must contain all of its moves when pasted into a shell: an answer
// about several files has one move for each.
func TestPlanPrintsAllMovesOfAnswer(t *testing.T) {
	var moves []left4me.FolderMove
	for _, name := range []string{"a.ini", "it's odd/b.ini", "c=d.ini"} {
		moves = append(moves, left4me.FolderMove{From: name, To: "left4dead2/cfg"})
	}
	var out bytes.Buffer
	overlayFileCommands{&app{}}.writeUnplaced(&out,
		left4me.Plan{
			Asks: []left4me.PlanAsk{{
				Text:    "it is odd",
				Count:   3,
				Files:   []string{"a.ini"},
				Choices: []left4me.PlanChoice{{Text: "cfg", Moves: moves}},
			}},
		})
	_, flags, ok := strings.Cut(out.String(), "(default): ")
	if !ok {
		t.Fatal(out.String())
	}
	words, err := exec.Command("sh", "-c", `for w in "$@"; do :; done; printf '%s\n' `+strings.TrimSpace(flags)).Output()
	if err != nil {
		t.Fatal(err)
	}
	var values []string
	for word := range strings.Lines(string(words)) {
		if word = strings.TrimSuffix(word, "\n"); word != "--move" {
			values = append(values, word)
		}
	}
	if got, err := folderMoves(values); err != nil || !slices.Equal(got, moves) {
		t.Errorf("%v, %v from %s", got, err, flags)
	}
}
