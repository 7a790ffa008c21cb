package settings

import (
	"context"
	"strconv"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/format"
	"github.com/left4me/left4me/internal/web/page"
)

// ServerForm is the input of the forms of servers: the settings of one and a new one.
type ServerForm struct {
	Form
	Port, Blueprint, Autostart string

	Blueprints []left4me.Blueprint // that can be chosen
}

// FillServer adds the options of a server's form.
func (p *Choices) FillServer(ctx context.Context, who accounts.Actor, m page.Permission, form *ServerForm) error {
	all, err := p.Overlays.Blueprints().List(ctx)
	if err != nil {
		return err
	}
	form.May = m
	for _, b := range all {
		chosen := string(b.Name) == form.Blueprint
		if chosen {
			form.Base = b
			form.Secrets = page.May(who, accounts.Configure, b.Target()).Act
		}
		if chosen || page.Sees(who, b.Target()) {
			form.Blueprints = append(form.Blueprints, b)
		}
	}
	p.Fill(ctx, who, &form.Form, form.Base.Overlays)
	return nil
}

// PortOf parses the input of a field for a port. It returns 0 for no input. Errors: left4me.Invalid, of the field.
func PortOf(field, text string) (int, error) {
	if text == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return 0, left4me.NewError(left4me.Invalid, "port.not_a_number", "text", format.Visible(strconv.Quote(text))).InField(field)
	}
	return n, nil
}
