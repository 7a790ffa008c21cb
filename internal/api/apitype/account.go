package apitype

import (
	"time"
)

// NewUser is what a user is created from.
type NewUser struct {
	Name     string `json:"name"`
	Password string `json:"password" doc:"At least 10 characters"`
	Admin    bool   `json:"admin,omitempty" doc:"May change things, not only look"`
}

// User is the account of somebody.
type User struct {
	ID       int64  `json:"id"`
	Name     string `json:"name"`
	Admin    bool   `json:"admin"`
	Disabled bool   `json:"disabled" doc:"Can't log in, and tokens don't count"`
}

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

// NewToken is what a token is created from.
type NewToken struct {
	Label     string    `json:"label" doc:"What it is for"`
	User      string    `json:"user,omitempty" doc:"Whom it stands for; without it, who asks"`
	ExpiresAt time.Time `json:"expires_at,omitzero" doc:"Without it: never"`
}

// Token is a new token; it is not shown again.
type Token struct {
	Token     string    `json:"token"`
	User      string    `json:"user"`
	Label     string    `json:"label"`
	ExpiresAt time.Time `json:"expires_at,omitzero"`
}

// KnownToken is a token as it is listed: all but the token.
type KnownToken struct {
	ID        string    `json:"id" doc:"Revokes it; nobody can log in with it"`
	User      string    `json:"user"`
	Label     string    `json:"label"`
	CreatedAt time.Time `json:"created_at"`
	UsedAt    time.Time `json:"used_at,omitzero" doc:"To the minute; absent: never"`
	ExpiresAt time.Time `json:"expires_at,omitzero" doc:"Absent: never"`
}

// Revoked says which token is worthless now.
type Revoked struct {
	ID string `json:"id"`
}
