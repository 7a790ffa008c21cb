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

// A browser that has logged in keeps a mark: an id, and for each account a keyed hash of the id and
// the account. The mark grants no access. It only shows that this browser has logged in to the
// account before, which matters when strangers have used up the account's attempts. The server
// stores no marks.
const (
	markID       = 22
	markAccounts = 4 // most recent accounts per mark
	markHash     = 16
	maxMark      = 256
)

// mark returns the keyed hash of a browser's id and an account.
func (a *Accounts) mark(id string, u store.User) string {
	m := hmac.New(sha256.New, a.key)
	fmt.Fprintf(m, "browser\x00%s\x00%d", id, u.ID)
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil)[:markHash])
}

// browserID returns the browser's id if its mark proves an earlier login to u, otherwise "".
func (a *Accounts) browserID(browser string, u store.User) (id string) {
	parts := marksIn(browser)
	want := a.mark(parts[0], u)
	for _, have := range parts[1:] {
		if hmac.Equal([]byte(have), []byte(want)) {
			return parts[0]
		}
	}
	return ""
}

// updatedMark returns a browser's mark after a login to u.
func (a *Accounts) updatedMark(browser string, u store.User) string {
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

// visitor identifies a browser or network that has logged in to an account before. It has a few
// attempts of its own at that account.
type visitor struct {
	account string
	browser string // empty if network is set
	network netip.Prefix
}

// knownVisitors returns the known visitors that an attempt comes from: first the browser, which
// attackers cannot impersonate, then the network.
func (a *Accounts) knownVisitors(ctx context.Context, u store.User, l Attempt) []visitor {
	var known []visitor
	account := strings.ToLower(l.Name)
	if id := a.browserID(l.Browser, u); id != "" && u.ID != 0 {
		known = append(known, visitor{account: account, browser: id})
	}
	here := visitor{account: account, network: network(l.From)}
	if a.throttle.knowsNetwork(here) {
		return append(known, here)
	}
	// Known networks are held in memory only. After a restart an unexpired session is the proof.
	sessions, err := a.storage.Sessions().List(ctx, cmp.Or(u.ID, -1), a.now()) // List takes 0 as all users
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
