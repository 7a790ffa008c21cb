package uploads

import (
	"context"
	"errors"
	"net/http"
	"path"
	"slices"
	"strings"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/overlays"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/format"
	"github.com/left4me/left4me/internal/web/page"
)

// places are where a folder or file of an upload can be moved with a click; others can
// be typed.
var places = []struct{ Value, Label string }{
	{"left4dead2", "left4dead2/"},
	{"left4dead2/addons", "addons/"},
	{"left4dead2/cfg", "cfg/"},
	{"left4dead2/maps", "maps/"},
	{"left4dead2/addons/sourcemod", "sourcemod/"},
	{"left4dead2/addons/sourcemod/plugins", "sourcemod/plugins/"},
	{"left4dead2/addons/sourcemod/configs", "sourcemod/configs/"},
	{"left4dead2/addons/sourcemod/data", "sourcemod/data/"},
	{leaveOut, "leave it out"},
}

const (
	leaveOut = "-" // the target of a move that leaves files out
	findOut  = "?" // the choice that undoes a move
)

// moveShown is how many moves a list shows before it is folded.
const moveShown = 8

// treeOpen is how many rows of a tree are open; what more there are is folded.
const treeOpen = 40

// planNode is a row of the tree of an upload.
type planNode struct {
	left4me.PlanDir
	Kids []*planNode
	Open bool // what is in it is shown at once
}

// base is the name of a row; above it are the folders that it lies in.
func (n *planNode) base() string {
	name := n.From[strings.LastIndexByte(n.From, '/')+1:]
	if n.Dir {
		name += "/"
	}
	return name
}

// place says where a row goes, in a few words.
func (n *planNode) place() string {
	switch {
	case n.To != "" && !n.Dir && path.Base(n.To) == path.Base(n.From):
		return path.Dir(n.To)
	case n.To != "":
		return n.To
	case n.Why != "":
		return "left out"
	}
	return "several places"
}

// about is how much is in a row, and why it goes there.
func (n *planNode) about(ctx context.Context) string {
	text := format.Amount(ctx, n.Bytes, "bytes")
	if n.Dir {
		text = format.Count(n.Count, "file", "files") + ", " + text
	}
	if n.Why != "" {
		text += ": " + format.Visible(n.Why)
	}
	return text
}

// planTree makes a tree of the rows of a plan, which come in its order. The outermost
// rows are open as long as there are few: a plan of hundreds is read from outside.
func planTree(dirs []left4me.PlanDir) (top []*planNode) {
	var in []*planNode // the folders around the next row
	for _, d := range dirs {
		n := &planNode{PlanDir: d}
		for len(in) > 0 && !strings.HasPrefix(d.From, in[len(in)-1].From+"/") {
			in = in[:len(in)-1]
		}
		if len(in) == 0 {
			top = append(top, n)
		} else {
			in[len(in)-1].Kids = append(in[len(in)-1].Kids, n)
		}
		if d.Dir {
			in = append(in, n)
		}
	}
	left := treeOpen - len(top)
	for level := top; len(level) > 0 && left > 0; {
		var next []*planNode
		for _, n := range level {
			if len(n.Kids) > 0 && len(n.Kids) <= left {
				n.Open = true
				left -= len(n.Kids)
				next = append(next, n.Kids...)
			}
		}
		level = next
	}
	return top
}

// isMoved reports whether somebody moved exactly this folder or file.
func isMoved(moves []left4me.FolderMove, from string) bool {
	return slices.ContainsFunc(moves, func(m left4me.FolderMove) bool { return m.From == from })
}

// movePlan moves a folder of an upload, or answers a question of its plan.
func (p *Pages) movePlan(w http.ResponseWriter, r *http.Request, who accounts.Actor, at page.Upload) error {
	if err := r.ParseForm(); err != nil {
		return page.BadForm(err)
	}
	form := readPlanForm(r.URL.Query())
	u, err := p.Uploads.Ready(r.Context(), who, at.Overlay, at.ID)
	if err != nil {
		return p.answerPlan(w, r, at, http.StatusOK, page.View{}, err)
	}
	form.Moves = u.Moves
	var moves []left4me.FolderMove
	if question := r.PostForm.Get("question"); question != "" {
		plan, err := p.Overlays.Plan(r.Context(), at.Overlay, form.change(u.ID))
		if err != nil {
			return err
		}
		moves = answerOf(plan, question, r.PostForm.Get("answer")) // none: what was asked is settled
	} else {
		moves = []left4me.FolderMove{moveOf(r.PostForm.Get("folder"), r.PostForm.Get("place"))}
	}
	wrong := overlays.CheckMoves("folder", left4me.JoinMoves(u.Moves, moves))
	if wrong == nil {
		err = p.Uploads.Move(r.Context(), who, u.ID, moves)
	}
	if errors.Is(wrong, left4me.Invalid) {
		problem, _ := page.ProblemsOf(r.Context(), who, wrong)
		v, err := p.planWith(r, who, at, form, problem.All())
		return p.answerPlan(w, r, at, http.StatusUnprocessableEntity, v, err)
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, string(form.at(at.Overlay, u.ID, ""))+"#tree", http.StatusSeeOther)
	return nil
}

// moveOf is a move as a form has it.
func moveOf(folder, place string) left4me.FolderMove {
	trim := func(s string) string { return strings.Trim(strings.TrimSpace(s), "/") }
	m := left4me.FolderMove{From: trim(folder), To: trim(place)}
	if m.To == findOut {
		m.To = ""
	}
	return m
}
