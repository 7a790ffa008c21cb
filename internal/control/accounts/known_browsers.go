package accounts

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/netip"
	"strings"

	"github.com/left4me/left4me/internal/store"
)

// A browser that has logged in keeps a mark: an id, and for each account that it
// logged in to a keyed hash of both. It lets nobody in; it only says that this
// browser is no stranger to the account, when strangers use up the account's
// attempts. Nothing of it is stored here.
const (
	markID       = 22
	markAccounts = 4 // the last ones
	markHash     = 16
	maxMark      = 256
)

// mark is the keyed hash of a browser's id and an account.
func (a *Accounts) mark(id string, u store.User) string {
	m := hmac.New(sha256.New, a.key)
	fmt.Fprintf(m, "browser\x00%s\x00%d", id, u.ID)
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil)[:markHash])
}

// marked says which browser has logged in to an account before, or nothing.
func (a *Accounts) marked(browser string, u store.User) (id string) {
	parts := marksIn(browser)
	want := a.mark(parts[0], u)
	for _, have := range parts[1:] {
		if hmac.Equal([]byte(have), []byte(want)) {
			return parts[0]
		}
	}
	return ""
}

// remark is a browser's mark once it has logged in to an account.
func (a *Accounts) remark(browser string, u store.User) string {
	parts := marksIn(browser)
	if len(parts[0]) != markID {
		parts = []string{random(markID)}
	}
	own := a.mark(parts[0], u)
	next := []string{parts[0], own}
	for _, have := range parts[1:] {
		if have != own && len(next) <= markAccounts {
			next = append(next, have)
		}
	}
	return strings.Join(next, ".")
}

func marksIn(browser string) []string {
	return strings.Split(browser[:min(len(browser), maxMark)], ".")
}

// visitor is who has a small number of attempts of its own at an account: a
// browser or a network that logged in to it before.
type visitor struct {
	account string
	browser string // or else
	network netip.Prefix
}

// acquainted says which visitor of an account an attempt comes from: first the
// browser, which nobody else can be, then the network.
func (a *Accounts) acquainted(ctx context.Context, u store.User, l Attempt) []visitor {
	var known []visitor
	account := strings.ToLower(l.Name)
	if id := a.marked(l.Browser, u); id != "" && u.ID != 0 {
		known = append(known, visitor{account: account, browser: id})
	}
	here := visitor{account: account, network: network(l.From)}
	if a.throttle.hasMet(here) {
		return append(known, here)
	}
	// What was met is in memory only. A session is proof as long as it lasts.
	sessions, err := a.storage.Sessions().List(ctx, cmp.Or(u.ID, -1), a.now()) // 0 is everybody
	if err != nil {
		a.log.WarnContext(ctx, "sessions of a user not read", "user", u.Name, "err", err)
	}
	for _, s := range sessions {
		if from, err := netip.ParseAddr(s.Address); err == nil && network(from) == here.network {
			return append(known, here)
		}
	}
	return known
}
