package api

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
)

type actorKey struct{}

// WithActor says who asks, to requests whose context comes from ctx: they need
// no token.
func WithActor(ctx context.Context, a accounts.Actor) context.Context {
	return context.WithValue(ctx, actorKey{}, a)
}

func actorOf(ctx context.Context) accounts.Actor {
	a, _ := ctx.Value(actorKey{}).(accounts.Actor)
	return a
}

// shownTo returns what becomes of text that a console, a job or a script holds for the
// one who asks: passwords are shown to nobody who may change nothing.
func shownTo(ctx context.Context) func(string) string {
	if accounts.Allow(actorOf(ctx), accounts.Act, left4me.Site) != nil {
		return left4me.HideSecrets
	}
	return func(s string) string { return s }
}

// identify says who asks: who the connection is from, or whom the token stands
// for. Errors: left4me.Denied.
func (c *core) identify(r *http.Request) (accounts.Actor, error) {
	header := r.Header.Get("Authorization")
	if header == "" {
		actor := actorOf(r.Context())
		if stranger, _ := r.Context().Value(strangerKey{}).(bool); stranger {
			return actor, left4me.NewError(left4me.Denied, "auth.sandbox")
		}
		if actor == (accounts.Actor{}) {
			return actor, left4me.NewError(left4me.Denied, "auth.token_needed", "prefix", accounts.TokenPrefix)
		}
		return actor, nil
	}
	scheme, token := tokenOf(header)
	if !strings.EqualFold(scheme, "Bearer") {
		return accounts.Actor{}, left4me.NewError(left4me.Denied, "auth.not_bearer")
	}
	actor, err := c.Accounts.AuthenticateToken(r.Context(), token)
	if errors.Is(err, left4me.Denied) {
		return actor, left4me.NewError(left4me.Denied, "auth.token_invalid")
	}
	return actor, err
}

// tokenOf takes the header Authorization apart.
func tokenOf(header string) (scheme, token string) {
	scheme, token, _ = strings.Cut(header, " ")
	return scheme, strings.TrimSpace(token)
}

// allowed says whether whoever sends a request may do action. Errors:
// left4me.Denied.
func (c *core) allowed(r *http.Request, action accounts.Action) error {
	actor, err := c.identify(r)
	if err != nil {
		return err
	}
	return accounts.Allow(actor, action, left4me.Site)
}

// byAddress reports whether a request is for an address or for localhost. A page
// of another site can make its own name lead to this machine (DNS rebinding), and
// a browser here lets it read the answers then; but the name stands in Host.
// Sockets of this machine have no name that leads to them.
func byAddress(r *http.Request) bool {
	if _, err := netip.ParseAddrPort(r.RemoteAddr); err != nil {
		return true
	}
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	_, err := netip.ParseAddr(host)
	return err == nil || strings.EqualFold(host, "localhost")
}

// warningHeader holds, as a quoted string, what can't be done on a full disk.
const warningHeader = "Left4me-Warning"

// guard lets a request through to an operation when whoever sends it may.
func (c *core) guard(huma.API) func(huma.Context, func(huma.Context)) {
	return func(hc huma.Context, next func(huma.Context)) {
		r, w := humago.Unwrap(hc)
		ctx := context.WithValue(r.Context(), logKey{}, c.Log)
		actor, err := c.identify(r)
		if err != nil {
			writeProblem(w, unauthorized(ctx, err))
			return
		}
		action, _ := hc.Operation().Metadata["action"].(accounts.Action)
		if err := accounts.Allow(actor, action, left4me.Site); err != nil {
			writeProblem(w, problemOf(ctx, err))
			return
		}
		if why := c.full(); why != nil {
			w.Header().Set(warningHeader, strconv.QuoteToASCII(why.Error()))
		}
		next(huma.WithContext(hc, WithActor(ctx, actor)))
	}
}

func unauthorized(ctx context.Context, err error) *problem {
	p := problemOf(ctx, err)
	if p.Status == http.StatusForbidden {
		p.Status, p.Title = http.StatusUnauthorized, http.StatusText(http.StatusUnauthorized)
		p.header = http.Header{"Www-Authenticate": {"Bearer"}}
	}
	return p
}
