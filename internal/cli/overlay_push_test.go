package cli

import (
	"bytes"
	"fmt"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/left4me/left4me/internal/api/apitype"
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

// A push with damaged add-ons needs --force, and says which files it removes.
func TestPushStopsAtDamagedAddons(t *testing.T) {
	target := serveAPI(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/plan") {
			fmt.Fprint(w, `{"files":[{"path":"left4dead2/addons/new.vpk","size":1}],"count":1,`+
				`"warnings":[{"kind":"broken","path":"left4dead2/addons/new.vpk","text":"the add-on is truncated"}]}`)
			return
		}
		fmt.Fprint(w, `{"items":[{"path":"left4dead2/addons","dir":true},{"path":"left4dead2/addons/old.vpk","size":1}],"total":2}`)
	})
	review := func(force bool) (string, error) {
		var said bytes.Buffer
		a := &app{Config: Config{Target: target, Out: &bytes.Buffer{}, Err: &said}}
		err := overlayFileCommands{a}.review(t.Context(), "push maps", "/overlays/maps", "u1", apitype.UploadChange{Replace: true}, force)
		return said.String(), err
	}
	said, err := review(false)
	if err == nil || !strings.Contains(err.Error(), "1 damaged add-on; nothing was changed") ||
		!strings.Contains(said, "+1 −1; removed: left4dead2/addons/old.vpk") {
		t.Errorf("got %q, error %v", said, err)
	}
	if _, err := review(true); err != nil {
		t.Errorf("with --force: got error %v", err)
	}
}
