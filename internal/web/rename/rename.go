// Package rename is the page that asks for another name of a server, a blueprint or an
// overlay.
package rename

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/locale"
	"github.com/left4me/left4me/internal/web/format"
	"github.com/left4me/left4me/internal/web/page"
)

// Page describes the page that renames an object.
type Page struct {
	Noun   string // server, blueprint or overlay
	Name   left4me.Name
	Path   string // path of the list, such as /servers; the page of the object is below it
	Tab    string // selected entry of the navigation
	Topics []page.Topic
}

// form holds the typed name and its problem.
type form struct {
	Page
	Typed, Problem string
}

func (p Page) address(n left4me.Name) string { return p.Path + "/" + string(n) }

// View asks for a name.
func (p Page) View(panel *page.Panel, r *http.Request, who accounts.Actor) page.View {
	return page.View{
		Frame: panel.Frame(r, who, locale.T(r.Context(), "rename.title", "name", p.Name), p.Tab),
		Body:  []page.Piece{panel.Form(r, "rename", renameForm(form{Page: p, Typed: string(p.Name)}), p.Topics...)},
	}
}

// Post calls rename with the typed name, and redirects to the new address; a name that
// is refused can be typed again.
func (p Page) Post(panel *page.Panel, w http.ResponseWriter, r *http.Request, who accounts.Actor,
	rename func(to left4me.Name) error,
) error {
	if err := r.ParseForm(); err != nil {
		return page.BadForm(err)
	}
	to := left4me.Name(strings.TrimSpace(r.PostForm.Get("name")))
	err := rename(to)
	if err == nil {
		http.Redirect(w, r, p.address(to), http.StatusSeeOther)
		return nil
	}
	status, text := problem(r.Context(), who, err)
	if status == 0 {
		return err
	}
	v := p.View(panel, r, who)
	v.Form("rename").Typed = renameForm(form{Page: p, Typed: string(to), Problem: text})
	return panel.Show(w, r, status, v)
}

// problem returns the status and text of an error about the typed name, without parts that the actor may
// not read. A status of 0 means that the error is not about the name.
func problem(ctx context.Context, who accounts.Actor, err error) (status int, text string) {
	err = accounts.Conceal(who, err)
	var wrong left4me.Fields
	if errors.As(err, &wrong) && len(wrong) > 0 {
		return http.StatusUnprocessableEntity, sentence(ctx, wrong[0])
	}
	if e, ok := page.Public(who, err); ok && e.Field == "name" {
		return http.StatusConflict, sentence(ctx, e)
	}
	return 0, ""
}

// sentence is an error with what to do about it.
func sentence(ctx context.Context, e *left4me.Error) string {
	text, hint := format.Error(ctx, e)
	return strings.TrimSpace(format.Sentence(text) + " " + format.Sentence(hint))
}
