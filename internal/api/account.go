package api

import (
	"context"
	"fmt"
	"strings"

	"github.com/left4me/left4me/internal/api/apitype"
	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
)

// accountRoutes handles requests about users and tokens.
type accountRoutes struct{ core *core }

func userOf(v accounts.User) apitype.User {
	role := "viewer"
	if v.Admin {
		role = "admin"
	}
	return apitype.User{ID: v.UserID, Name: v.Name, Role: role, Admin: v.Admin, Disabled: v.Disabled}
}

func (a accountRoutes) listUsers(ctx context.Context, _ *ListInput) ([]apitype.User, error) {
	users, err := a.core.Accounts.Users(ctx)
	all := make([]apitype.User, len(users)) // never nil, so that an empty list is not encoded as null
	for i, v := range users {
		all[i] = userOf(v)
	}
	return all, err
}

func (a accountRoutes) createUser(ctx context.Context, in *struct{ Body apitype.NewUser }) (apitype.User, error) {
	v, err := a.core.Accounts.CreateUser(ctx, in.Body.Name, in.Body.Password, in.Body.Admin)
	return userOf(v), err
}

func (a accountRoutes) listTokens(ctx context.Context, _ *ListInput) ([]apitype.KnownToken, error) {
	tokens, err := a.core.Accounts.Tokens(ctx, actorOf(ctx))
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

func (a accountRoutes) revokeToken(ctx context.Context, id string, _ *none) (apitype.Revoked, error) {
	return apitype.Revoked{ID: id}, a.core.Accounts.RevokeToken(ctx, actorOf(ctx), id)
}

func (a accountRoutes) createToken(ctx context.Context, in *struct{ Body apitype.NewToken }) (apitype.Token, error) {
	b := in.Body
	owner := actorOf(ctx)
	if b.User != "" && b.User != owner.Name {
		err := accounts.Allow(owner, site, left4me.Site)
		if err == nil {
			owner, err = a.owner(ctx, b.User)
		}
		if err != nil {
			return apitype.Token{}, err
		}
	}
	token, err := a.core.Accounts.CreateToken(ctx, owner, b.Label, b.ExpiresAt)
	return apitype.Token{Token: token, User: owner.Name, Label: b.Label, ExpiresAt: b.ExpiresAt}, err
}

// owner returns the user that a new token is for. An unknown user is an invalid field, not an
// unknown path.
func (a accountRoutes) owner(ctx context.Context, name string) (accounts.Actor, error) {
	v, err := a.core.Accounts.User(ctx, name)
	if e, ok := left4me.Public(err); ok && e.Kind == left4me.NotFound {
		return v.Actor, left4me.NewError(left4me.Invalid, "token.user_invalid", "error", e).InField("user")
	}
	return v.Actor, err
}

func endedOf(o accounts.Outcome) apitype.Ended {
	return apitype.Ended{User: userOf(o.User), SessionsEnded: o.Sessions, TokensRevoked: o.Revoked, TokensLeft: o.Tokens}
}

func (a accountRoutes) changeUser(ctx context.Context, name string, in *struct {
	Body apitype.UserChange
},
) (apitype.Ended, error) {
	b := in.Body
	o, err := a.core.Accounts.ChangeUser(ctx, actorOf(ctx), name, accounts.Change{
		Password: b.Password, Admin: b.Admin, Disabled: b.Disabled, RevokeTokens: b.RevokeTokens,
	})
	return endedOf(o), err
}

func (a accountRoutes) deleteUser(ctx context.Context, name string, _ *none) (apitype.Ended, error) {
	o, err := a.core.Accounts.DeleteUser(ctx, actorOf(ctx), name)
	return endedOf(o), err
}

func (a accountRoutes) changePassword(ctx context.Context, in *struct{ Body apitype.PasswordChange }) (apitype.Ended, error) {
	b := in.Body
	o, err := a.core.Accounts.ChangePassword(ctx, actorOf(ctx), accounts.PasswordChange{
		Current: b.CurrentPassword, New: b.Password, RevokeTokens: b.RevokeTokens,
	})
	return endedOf(o), err
}

func (a accountRoutes) signOut(ctx context.Context, _ *none) (apitype.Ended, error) {
	o, err := a.core.Accounts.SignOut(ctx, actorOf(ctx))
	return endedOf(o), err
}

// User names are unique ignoring case, so lists are sorted ignoring case.
var (
	byUserName   = order[apitype.User]{key: func(v apitype.User) string { return strings.ToLower(v.Name) }}
	byTokenOwner = order[apitype.KnownToken]{key: func(v apitype.KnownToken) string {
		return fmt.Sprintf("%s %d %s", strings.ToLower(v.User), v.CreatedAt.UnixMilli(), v.ID)
	}}
)
