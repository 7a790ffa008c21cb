package api

import (
	"context"

	"github.com/left4me/left4me/internal/control/accounts"
)

// UserChange is what is changed about a user; what is left out stays.
type UserChange struct {
	Password     *string `json:"password,omitempty" doc:"At least 10 characters; not one's own, which is changed at /me/password"`
	Admin        *bool   `json:"admin,omitempty" doc:"May change things, not only look"`
	Disabled     *bool   `json:"disabled,omitempty" doc:"Can't log in, and tokens don't count"`
	RevokeTokens bool    `json:"revoke_tokens,omitempty" doc:"Revoke all tokens of the user too"`
}

// PasswordChange is how people change their own password.
type PasswordChange struct {
	CurrentPassword string `json:"current_password"`
	Password        string `json:"password" doc:"At least 10 characters"`
	RevokeTokens    bool   `json:"revoke_tokens,omitempty" doc:"Revoke all your tokens too, also the one that this is sent with"`
}

// Ended is what a change of a user ended.
type Ended struct {
	User          User `json:"user"`
	SessionsEnded int  `json:"sessions_ended" doc:"Browsers that were signed out"`
	TokensRevoked int  `json:"tokens_revoked"`
	TokensLeft    int  `json:"tokens_left" doc:"They still count, unless the user is disabled"`
}

func endedOf(o accounts.Outcome) Ended {
	return Ended{User: userOf(o.User), SessionsEnded: o.Sessions, TokensRevoked: o.Revoked, TokensLeft: o.Tokens}
}

// ByUser is a request about one user.
type ByUser struct {
	Name string `path:"name" maxLength:"64"`
}

func (a *api) changeUser(ctx context.Context, in *struct {
	ByUser
	Body UserChange
},
) (Ended, error) {
	b := in.Body
	o, err := a.Accounts.ChangeUser(ctx, actorOf(ctx), in.Name, accounts.Change{
		Password: b.Password, Admin: b.Admin, Disabled: b.Disabled, RevokeTokens: b.RevokeTokens,
	})
	return endedOf(o), err
}

func (a *api) deleteUser(ctx context.Context, in *ByUser) (Ended, error) {
	o, err := a.Accounts.DeleteUser(ctx, actorOf(ctx), in.Name)
	return endedOf(o), err
}

func (a *api) changePassword(ctx context.Context, in *struct{ Body PasswordChange }) (Ended, error) {
	b := in.Body
	o, err := a.Accounts.ChangePassword(ctx, actorOf(ctx), accounts.PasswordChange{
		Current: b.CurrentPassword, New: b.Password, RevokeTokens: b.RevokeTokens,
	})
	return endedOf(o), err
}

func (a *api) signOut(ctx context.Context, _ *none) (Ended, error) {
	o, err := a.Accounts.SignOut(ctx, actorOf(ctx))
	return endedOf(o), err
}
