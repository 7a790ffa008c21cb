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
	"github.com/left4me/left4me/internal/locale"
	"github.com/left4me/left4me/internal/web/format"
	"github.com/left4me/left4me/internal/web/page"
)

// places are the destinations in the menus that move a folder or file. Other destinations can
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
}

const (
	leaveOut = "-" // destination of a move that leaves files out
	findOut  = "?" // choice that undoes a move
)

// moveShown is the maximum number of moves in a list that is expanded initially.
const moveShown = 8

// treeOpen is the maximum number of rows of a tree that are expanded initially.
const treeOpen = 40

// planNode is a row of the tree of an upload.
type planNode struct {
	left4me.PlanDir
	Kids []*planNode
	Open bool // whether its rows are shown initially
	Top  bool // whether no row above it names the folders around it
}

// base returns the name of a row without the parent folders in the rows above.
func (n *planNode) base() string {
	name := n.From[strings.LastIndexByte(n.From, '/')+1:]
	if n.Top {
		name = n.From
	}
	if n.Dir {
		name += "/"
	}
	return name
}

// place returns the destination of a row.
func (n *planNode) place(ctx context.Context) string {
	switch {
	case n.To != "" && !n.Dir && path.Base(n.To) == path.Base(n.From):
		return path.Dir(n.To)
	case n.To != "":
		return n.To
	case n.Why != "":
		return locale.T(ctx, "overlays.moves.left_out")
	}
	return locale.T(ctx, "overlays.plan.tree.several")
}

// about returns the size of a row and the reason for its destination.
func (n *planNode) about(ctx context.Context) string {
	size, reason := locale.Bytes(n.Bytes), format.NoteOr(ctx, n.Reason, n.Why)
	if !n.Dir {
		return locale.T(ctx, "overlays.plan.tree.file", "size", size, "reason", reason)
	}
	files := locale.M("overlays.files.count", "count", n.Count)
	return locale.T(ctx, "overlays.plan.tree.folder", "files", files, "size", size, "reason", reason)
}

// planTree returns the rows of a plan as a tree; dirs must be in the order of the tree. Rows
// are expanded level by level until treeOpen rows are visible, so that a large plan starts
// with its outermost folders.
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
	for len(top) == 1 && len(top[0].Kids) > 0 && !top[0].Asked { // begin where the files are
		top = top[0].Kids
	}
	for _, n := range top {
		n.Top = true
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

// isMoved reports whether moves contains a move of exactly this folder or file.
func isMoved(moves []left4me.FolderMove, from string) bool {
	return slices.ContainsFunc(moves, func(m left4me.FolderMove) bool { return m.From == from })
}

// movePlan moves a folder or file of an upload, or answers a question of its plan.
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
		moves = answerOf(plan, question, r.PostForm.Get("answer")) // none if the plan no longer has the question
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

// moveOf returns the move that a form describes.
func moveOf(folder, place string) left4me.FolderMove {
	trim := func(s string) string { return strings.Trim(strings.TrimSpace(s), "/") }
	m := left4me.FolderMove{From: trim(folder), To: trim(place)}
	if m.To == findOut {
		m.To = ""
	}
	return m
}
