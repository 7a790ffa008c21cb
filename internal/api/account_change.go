package api

import (
	"context"

	"github.com/left4me/left4me/internal/api/apitype"
	"github.com/left4me/left4me/internal/control/accounts"
)

func endedOf(o accounts.Outcome) apitype.Ended {
	return apitype.Ended{User: userOf(o.User), SessionsEnded: o.Sessions, TokensRevoked: o.Revoked, TokensLeft: o.Tokens}
}

// ByUser is a request about one user.
type ByUser struct {
	Name string `path:"name" maxLength:"64"`
}

func (a *api) changeUser(ctx context.Context, in *struct {
	ByUser
	Body apitype.UserChange
},
) (apitype.Ended, error) {
	b := in.Body
	o, err := a.Accounts.ChangeUser(ctx, actorOf(ctx), in.Name, accounts.Change{
		Password: b.Password, Admin: b.Admin, Disabled: b.Disabled, RevokeTokens: b.RevokeTokens,
	})
	return endedOf(o), err
}

func (a *api) deleteUser(ctx context.Context, in *ByUser) (apitype.Ended, error) {
	o, err := a.Accounts.DeleteUser(ctx, actorOf(ctx), in.Name)
	return endedOf(o), err
}

func (a *api) changePassword(ctx context.Context, in *struct{ Body apitype.PasswordChange }) (apitype.Ended, error) {
	b := in.Body
	o, err := a.Accounts.ChangePassword(ctx, actorOf(ctx), accounts.PasswordChange{
		Current: b.CurrentPassword, New: b.Password, RevokeTokens: b.RevokeTokens,
	})
	return endedOf(o), err
}

func (a *api) signOut(ctx context.Context, _ *none) (apitype.Ended, error) {
	o, err := a.Accounts.SignOut(ctx, actorOf(ctx))
	return endedOf(o), err
}
