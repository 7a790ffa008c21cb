package connect

import (
	"net/http"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/servers"
	"github.com/left4me/left4me/internal/locale"
	"github.com/left4me/left4me/internal/web/page"
)

// addressForm is the input of the form of the public address.
type addressForm struct {
	Address  string
	Problems page.Problems
	Now      servers.PublicAddress
}

// addressView shows the public address.
func (p *Pages) addressView(r *http.Request, who accounts.Actor) (page.View, error) {
	now, err := p.Servers.Addresses().Get(r.Context())
	if err != nil {
		return page.View{}, err
	}
	return p.view(r, who, addressForm{Address: now.Setting, Now: now}), nil
}

func (p *Pages) view(r *http.Request, who accounts.Actor, form addressForm) page.View {
	return page.View{
		Frame: p.Panel.Frame(r, who, locale.T(r.Context(), "connect.address.title"), "servers"),
		Body: []page.Piece{
			page.Fixed(addressHead()), p.Panel.Form(r, "address", publicAddress(form), page.OnServers()),
		},
	}
}

// setAddress saves the public address.
func (p *Pages) setAddress(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	if err := r.ParseForm(); err != nil {
		return page.BadForm(err)
	}
	form := addressForm{Address: r.PostForm.Get("address")}
	_, err := p.Servers.Addresses().Set(r.Context(), who.Cause(), form.Address)
	if wrong, ok := page.ProblemsOf(r.Context(), who, err); ok {
		form.Problems = wrong
		if form.Now, err = p.Servers.Addresses().Get(r.Context()); err != nil {
			return err
		}
		v := p.view(r, who, form)
		return p.Panel.Show(w, r, http.StatusUnprocessableEntity, v)
	}
	if err != nil {
		return err
	}
	return page.Done(w, r, "/address")
}
