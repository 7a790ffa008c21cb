package accounts

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/store"
)

// TokenPrefix is the prefix of every token, so that leaked tokens can be recognised.
const TokenPrefix = "l4m_"

const tokenLength = 40

// CreateToken creates a token with which a program acts as owner. A zero expires means never. The
// returned string is the only copy of the token. Errors: left4me.Invalid, left4me.Conflict for a
// disabled owner.
func (a *Accounts) CreateToken(ctx context.Context, owner Actor, label string, expires time.Time) (string, error) {
	now := a.now()
	switch {
	case owner.UserID == 0:
		return "", left4me.NewError(left4me.Invalid, "token.no_user").InField("user")
	case strings.TrimSpace(label) == "" || utf8.RuneCountInString(label) > maxLabel ||
		strings.ContainsFunc(label, func(r rune) bool { return r < ' ' || r == utf8.RuneError }):
		return "", left4me.NewError(left4me.Invalid, "token.label_invalid").InField("label")
	case !expires.IsZero() && !expires.After(now):
		return "", left4me.NewError(left4me.Invalid, "token.expires_in_past").InField("expires_at")
	}
	token := TokenPrefix + random(tokenLength)
	sum := a.digest(token)
	err := a.storage.By(owner.Cause()).Tokens().Create(ctx,
		store.Token{Hash: sum[:], UserID: owner.UserID, Label: label, CreatedAt: now, ExpiresAt: expires})
	if errors.Is(err, left4me.NotFound) {
		return "", left4me.NewError(left4me.Conflict, "token.user_disabled", "user", owner.Name).InField("user")
	}
	if err != nil {
		return "", err
	}
	a.log.InfoContext(ctx, "token created", "user", owner.Name, "label", label)
	return token, nil
}

// AuthenticateToken returns the actor that a token stands for. Errors: left4me.Denied.
func (a *Accounts) AuthenticateToken(ctx context.Context, token string) (Actor, error) {
	if !strings.HasPrefix(token, TokenPrefix) || len(token) > 128 {
		return Actor{}, errNobody
	}
	sum := a.digest(token)
	now := a.now()
	actor, drops, ok := a.cache.get(sum, now)
	if ok {
		return actor, nil
	}
	v, u, err := a.storage.Tokens().Get(ctx, sum[:])
	if err != nil {
		return Actor{}, denied(err)
	}
	if u.Disabled || !v.ExpiresAt.IsZero() && !now.Before(v.ExpiresAt) {
		return Actor{}, errNobody
	}
	if now.Sub(v.UsedAt) >= touchEvery {
		if err := a.storage.Tokens().Touch(ctx, sum[:], now); err != nil && !errors.Is(err, left4me.DiskFull) {
			return Actor{}, err
		}
	}
	actor = a.actorOf(u)
	actor.Token = v.Label
	a.cache.set(sum, actor, now, v.ExpiresAt, drops)
	return actor, nil
}

// Token describes a token without its secret.
type Token struct {
	ID        string // prefix of its hash, which only serves to revoke the token
	User      string // owner
	Label     string
	CreatedAt time.Time
	UsedAt    time.Time // up to a minute old; zero: never
	ExpiresAt time.Time // zero: never
}

// shortID returns the id of a token or session: 12 hexadecimal digits, short enough to type and
// long enough to be unique.
func shortID(hash []byte) string { return fmt.Sprintf("%.6x", hash) }

// Tokens lists the tokens that actor may revoke: its own, or all with SiteRight. Expired tokens are
// included.
func (a *Accounts) Tokens(ctx context.Context, actor Actor) ([]Token, error) {
	rows, err := a.tokensOf(ctx, actor)
	if err != nil {
		return nil, err
	}
	all := make([]Token, len(rows))
	for i, v := range rows {
		all[i] = Token{ID: shortID(v.Hash), User: v.Owner, Label: v.Label, CreatedAt: v.CreatedAt, UsedAt: v.UsedAt, ExpiresAt: v.ExpiresAt}
	}
	return all, nil
}

func (a *Accounts) tokensOf(ctx context.Context, actor Actor) ([]store.OwnedToken, error) {
	switch {
	case Allow(actor, SiteRight, left4me.Site) == nil:
		return a.storage.Tokens().List(ctx, 0) // 0: of all users
	case actor.UserID == 0:
		return nil, errNobody
	}
	return a.storage.Tokens().List(ctx, actor.UserID)
}

// RevokeToken revokes a token immediately: one of actor's own, or any with SiteRight. Errors:
// left4me.NotFound.
func (a *Accounts) RevokeToken(ctx context.Context, actor Actor, id string) error {
	rows, err := a.tokensOf(ctx, actor)
	if err != nil {
		return err
	}
	for _, v := range rows {
		if shortID(v.Hash) != id {
			continue
		}
		err := a.storage.By(actor.Cause()).Tokens().Delete(ctx, v.Hash)
		a.cache.drop(digest(v.Hash))
		a.ends.wake()
		if err == nil {
			a.log.InfoContext(ctx, "token revoked", "user", v.Owner, "label", v.Label, "by", actor.Name)
		}
		return err
	}
	return left4me.NewError(left4me.NotFound, "token.unknown_id")
}

// cacheFor is how long the result of a database lookup is cached.
const cacheFor = 10 * time.Second

// actorCache caches the actors of cookies and tokens for cacheFor, so that frequent requests don't
// query the database each time.
type actorCache struct {
	mu    sync.Mutex
	drops uint64 // number of drops; a lookup that began before a drop isn't cached
	cache *recent[digest, cachedActor]
}

type cachedActor struct {
	Actor
	until time.Time
}

func newActorCache() *actorCache { return &actorCache{cache: newRecent[digest, cachedActor](1024)} }

func (k *actorCache) get(sum digest, now time.Time) (Actor, uint64, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	v, ok := k.cache.Get(sum)
	return v.Actor, k.drops, ok && now.Before(v.until)
}

func (k *actorCache) set(sum digest, actor Actor, now, expires time.Time, drops uint64) {
	until := now.Add(cacheFor)
	if !expires.IsZero() && expires.Before(until) {
		until = expires
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if drops == k.drops {
		k.cache.Add(sum, cachedActor{actor, until})
	}
}

func (k *actorCache) drop(sum digest) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.drops++
	k.cache.Remove(sum)
}

// dropUser drops all sessions and tokens of a user.
func (k *actorCache) dropUser(user int64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.drops++
	for _, sum := range k.cache.Keys() {
		if v, _ := k.cache.Peek(sum); v.UserID == user {
			k.cache.Remove(sum)
		}
	}
}
