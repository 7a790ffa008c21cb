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
	"github.com/left4me/left4me/internal/control/uploads"
	"github.com/left4me/left4me/internal/httpserver"
	"github.com/left4me/left4me/internal/left4me"
)

// identify returns the actor that a request comes from: the peer of a Unix socket or the owner of
// the token. Errors: left4me.Denied.
func (c *core) identify(r *http.Request) (accounts.Actor, error) {
	actor, err := c.authenticate(r)
	if err == nil && c.narrow != nil {
		actor = c.narrow(actor)
	}
	return actor, err
}

func (c *core) authenticate(r *http.Request) (accounts.Actor, error) {
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

// tokenOf splits the header Authorization into scheme and token.
func tokenOf(header string) (scheme, token string) {
	scheme, token, _ = strings.Cut(header, " ")
	return scheme, strings.TrimSpace(token)
}

// byAddress reports whether the Host header of a request is an IP address or localhost. A page of
// another site can make its own name resolve to this machine (DNS rebinding), so that a browser on
// this machine lets the page read the answers, but Host then contains that name. Unix sockets are
// exempt: no host name resolves to them.
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

// warningHeader describes, as a quoted string, what cannot be done because of a full disk.
const warningHeader = "Left4me-Warning"

// guard authorizes a request to an operation before the request is parsed: it identifies the actor,
// finds the target and checks the right on it.
func (c *core) guard(huma.API) func(huma.Context, func(huma.Context)) {
	return func(hc huma.Context, next func(huma.Context)) {
		r, w := humago.Unwrap(hc)
		ctx := context.WithValue(r.Context(), logKey{}, c.Log)
		actor, err := c.identify(r)
		if err != nil {
			writeProblem(w, unauthorized(ctx, err))
			return
		}
		needs, _ := hc.Operation().Metadata["needs"].(need)
		ctx, may, err := needs.check(ctx, actor, hc.Param)
		if err != nil {
			uploads.Drain(httpserver.SlowBody(w, r.Body)) // read the rest of a piece whose upload does not exist
			writeProblem(w, problemOf(ctx, err))
			return
		}
		if why := c.full(); why != nil {
			w.Header().Set(warningHeader, strconv.QuoteToASCII(why.Error()))
		}
		next(huma.WithContext(hc, withAsker(ctx, actor, may)))
	}
}

// guardUndescribed is guard for a route that is not part of the OpenAPI description.
func (c *core) guardUndescribed(o undescribed) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if o.needs.everybody || o.local != nil && o.local(r) {
			o.serve(w, r)
			return
		}
		actor, err := c.identify(r)
		if err != nil {
			writeProblem(w, unauthorized(r.Context(), err))
			return
		}
		if _, _, err := o.needs.check(r.Context(), actor, r.PathValue); err != nil {
			writeProblem(w, problemOf(r.Context(), err))
			return
		}
		o.serve(w, r.WithContext(WithActor(r.Context(), actor)))
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
