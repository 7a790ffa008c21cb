package apitype

import (
	"time"
)

// NewUser is the request to create a user.
type NewUser struct {
	Name     string `json:"name"`
	Password string `json:"password" doc:"At least 10 characters"`
	Admin    bool   `json:"admin,omitempty" doc:"The user is an administrator"`
}

// User is a user account.
type User struct {
	ID       int64  `json:"id"`
	Name     string `json:"name"`
	Role     string `json:"role" enum:"admin,viewer" doc:"admin: may change everything; viewer: may only look"`
	Admin    bool   `json:"admin" doc:"The same as the role admin"`
	Disabled bool   `json:"disabled" doc:"The user can neither sign in nor use tokens"`
}

// UserChange is the request to change a user. Absent members are unchanged.
type UserChange struct {
	Password     *string `json:"password,omitempty" doc:"At least 10 characters. Not for your own password: change that at /me/password"`
	Admin        *bool   `json:"admin,omitempty" doc:"The user is an administrator"`
	Disabled     *bool   `json:"disabled,omitempty" doc:"The user can neither sign in nor use tokens"`
	RevokeTokens bool    `json:"revoke_tokens,omitempty" doc:"Also revoke all tokens of the user"`
}

// PasswordChange is the request to change one's own password.
type PasswordChange struct {
	CurrentPassword string `json:"current_password"`
	Password        string `json:"password" doc:"At least 10 characters"`
	RevokeTokens    bool   `json:"revoke_tokens,omitempty" doc:"Also revoke all your tokens, including the one used for this request"`
}

// Ended is the result of a change that ended sessions of a user.
type Ended struct {
	User          User `json:"user"`
	SessionsEnded int  `json:"sessions_ended" doc:"Number of browser sessions that were ended"`
	TokensRevoked int  `json:"tokens_revoked"`
	TokensLeft    int  `json:"tokens_left" doc:"Number of tokens that remain valid, unless the user is disabled"`
}

// NewToken is the request to create a token.
type NewToken struct {
	Label     string    `json:"label" doc:"Purpose of the token"`
	User      string    `json:"user,omitempty" doc:"Owner of the token; default: the user who sends the request"`
	ExpiresAt time.Time `json:"expires_at,omitzero" doc:"Absent: the token never expires"`
}

// Token is a new token. The value of the token is never returned again.
type Token struct {
	Token     string    `json:"token"`
	User      string    `json:"user"`
	Label     string    `json:"label"`
	ExpiresAt time.Time `json:"expires_at,omitzero"`
}

// KnownToken is a token in a list, without its value.
type KnownToken struct {
	ID        string    `json:"id" doc:"Identifies the token, for example to revoke it; not a credential"`
	User      string    `json:"user"`
	Label     string    `json:"label"`
	CreatedAt time.Time `json:"created_at"`
	UsedAt    time.Time `json:"used_at,omitzero" doc:"Last use, to the minute; absent: never used"`
	ExpiresAt time.Time `json:"expires_at,omitzero" doc:"Absent: never expires"`
}

// Revoked is the answer to revoking a token.
type Revoked struct {
	ID string `json:"id"`
}
