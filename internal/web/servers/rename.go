package servers

import (
	"errors"
	"net/http"
	"strings"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/format"
	"github.com/left4me/left4me/internal/web/page"
)

// renaming is the form of a server's new name.
type renaming struct {
	Server         left4me.Name
	Typed, Problem string
}

// renameView asks for a server's new name.
func (p *Pages) renameView(r *http.Request, who accounts.Actor, name left4me.Name) (page.View, error) {
	_, err := p.serverPage(r, who, name, "")
	form := renameForm(renaming{Server: name, Typed: string(name)})
	return page.View{
		Frame: p.Panel.Frame(r, who, "Rename "+string(name), "servers"),
		Body:  []page.Piece{p.Panel.Form(r, "rename", form, page.OnServer(name))},
	}, err
}

// renameServer renames a server and goes to its new address.
func (p *Pages) renameServer(w http.ResponseWriter, r *http.Request, who accounts.Actor, name left4me.Name) error {
	if err := r.ParseForm(); err != nil {
		return page.BadForm(err)
	}
	to := strings.TrimSpace(r.PostForm.Get("name"))
	_, err := p.Servers.Names().Rename(r.Context(), who.Cause(), name, left4me.Name(to), 0)
	if err == nil {
		http.Redirect(w, r, "/servers/"+to, http.StatusSeeOther)
		return nil
	}
	status, text := renameProblem(err)
	if status == 0 {
		return err
	}
	v, err := p.renameView(r, who, name)
	if err != nil {
		return err
	}
	v.Form("rename").Typed = renameForm(renaming{Server: name, Typed: to, Problem: text})
	return p.Panel.Show(w, r, status, v)
}

// renameProblem says what is wrong with a name that was typed; 0: it isn't the name.
func renameProblem(err error) (status int, text string) {
	var wrong left4me.Fields
	if errors.As(err, &wrong) && len(wrong) > 0 {
		return http.StatusUnprocessableEntity, sentence(wrong[0])
	}
	if e, ok := left4me.Public(err); ok && e.Field == "name" {
		return http.StatusConflict, sentence(e)
	}
	return 0, ""
}

// sentence is an error with what to do about it.
func sentence(e *left4me.Error) string {
	return strings.TrimSpace(format.Sentence(format.Visible(e.Text)) + " " + format.Sentence(e.Hint))
}
