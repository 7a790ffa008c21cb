package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/left4me/left4me/internal/api/apitype"
	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
)

// accountRoutes are users, tokens and what people do with their own account.
func (a *api) accountRoutes(h huma.API) {
	get, post, put, del := http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete
	look, act := accounts.Look, accounts.Act
	route(h, get, "/users", "listUsers", act, 200, "List users", a.listUsers) // who is an administrator is not for everybody
	route(h, post, "/users", "createUser", act, 201, "Create a user", a.createUser)
	route(h, http.MethodPatch, "/users/{name}", "changeUser", act, 200, "Change a user, and end its sessions", a.changeUser)
	route(h, del, "/users/{name}", "deleteUser", act, 200, "Delete a user with its sessions and tokens", a.deleteUser)
	route(h, put, "/me/password", "changePassword", look, 200, "Change your own password, and end all your sessions", a.changePassword)
	route(h, del, "/me/sessions", "signOut", look, 200, "Sign out everywhere: end all your sessions", a.signOut)
	route(h, post, "/tokens", "createToken", look, 201, "Create a token for yourself; an administrator for anybody", a.createToken)
	route(h, get, "/tokens", "listTokens", look, 200, "List your own tokens; an administrator's list has everybody's", a.listTokens)
	route(h, del, "/tokens/{id}", "revokeToken", look, 200, "Revoke a token", a.revokeToken) // anybody may take back what stands for them
}

func userOf(v accounts.User) apitype.User {
	return apitype.User{ID: v.UserID, Name: v.Name, Admin: v.Admin, Disabled: v.Disabled}
}

func (a *api) listUsers(ctx context.Context, _ *none) ([]apitype.User, error) {
	users, err := a.Accounts.Users(ctx)
	all := make([]apitype.User, len(users)) // an empty list is one, not null
	for i, v := range users {
		all[i] = userOf(v)
	}
	return all, err
}

func (a *api) createUser(ctx context.Context, in *struct{ Body apitype.NewUser }) (apitype.User, error) {
	v, err := a.Accounts.CreateUser(ctx, in.Body.Name, in.Body.Password, in.Body.Admin)
	return userOf(v), err
}

func (a *api) listTokens(ctx context.Context, _ *none) ([]apitype.KnownToken, error) {
	tokens, err := a.Accounts.Tokens(ctx, actorOf(ctx))
	all := make([]apitype.KnownToken, len(tokens))
	for i, v := range tokens {
		all[i] = apitype.KnownToken{
			ID:        v.ID,
			User:      v.User,
			Label:     v.Label,
			CreatedAt: v.CreatedAt,
			UsedAt:    v.UsedAt,
			ExpiresAt: v.ExpiresAt,
		}
	}
	return all, err
}

func (a *api) revokeToken(ctx context.Context, in *struct {
	ID string `path:"id" maxLength:"64"`
},
) (apitype.Revoked, error) {
	return apitype.Revoked{ID: in.ID}, a.Accounts.RevokeToken(ctx, actorOf(ctx), in.ID)
}

func (a *api) createToken(ctx context.Context, in *struct{ Body apitype.NewToken }) (apitype.Token, error) {
	b := in.Body
	owner := actorOf(ctx)
	if b.User != "" && b.User != owner.Name {
		err := accounts.Allow(owner, accounts.Act, left4me.Site)
		if err == nil {
			owner, err = a.owner(ctx, b.User)
		}
		if err != nil {
			return apitype.Token{}, err
		}
	}
	token, err := a.Accounts.CreateToken(ctx, owner, b.Label, b.ExpiresAt)
	return apitype.Token{Token: token, User: owner.Name, Label: b.Label, ExpiresAt: b.ExpiresAt}, err
}

// owner finds whom a token is for: that it is not there is a mistake in the
// field, not in the address.
func (a *api) owner(ctx context.Context, name string) (accounts.Actor, error) {
	v, err := a.Accounts.User(ctx, name)
	if e, ok := left4me.Public(err); ok && e.Kind == left4me.NotFound {
		return v.Actor, &left4me.Error{Kind: left4me.Invalid, Field: "user", Text: e.Text}
	}
	return v.Actor, err
}
