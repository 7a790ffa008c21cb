// Package accounts implements authentication and authorisation: users and their passwords, browser
// sessions, API tokens, and the one function that checks rights.
//
// A password check takes equally long for existing and for unknown users. Guessing is throttled per
// account and per address with bounded memory, and at most two passwords are hashed at once.
// Neither the database nor a copy of it is enough to log in: cookies and tokens are stored only as
// keyed hashes.
package accounts

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"hash"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/store"
)

// Limits for passwords and token labels.
const (
	MinPassword = 10   // characters
	MaxPassword = 1024 // bytes
	maxLabel    = 100
)

// Actor is the user or program that makes a request. The zero Actor is an unauthenticated one.
type Actor struct {
	UserID int64 // never reused for another user; 0 for the host's own administrator
	Name   string
	Admin  bool
	// Token is the label of the token that authenticated UserID; empty without a token.
	Token string
	// Only restricts the actor to these targets, with the rights of its role on each; nil means all
	// targets. It is meant for grants on single servers. Names in it may predate a rename: where a
	// target in Only has an id, a requested target without one is looked up by name.
	Only *Targets

	names *store.Store // store for looking up ids by name; nil: names are compared
}

// Same reports whether a and o are the same user with the same rights.
func (a Actor) Same(o Actor) bool {
	if a.Only == nil || o.Only == nil {
		return a == o
	}
	return slices.Equal(*a.Only, *o.Only) && a.UserID == o.UserID && a.Name == o.Name && a.Admin == o.Admin
}

// Cause returns the actor to record in the events and jobs that a causes.
func (a Actor) Cause() left4me.Actor {
	by := left4me.ByUser(a.Name)
	if a.Token != "" {
		by = left4me.Actor{Kind: left4me.TokenActor, Name: a.Token, Owner: a.Name}
	}
	if a.UserID != 0 {
		by.ID = store.UserID(a.UserID)
	}
	return by
}

var (
	errNobody = left4me.NewError(left4me.Denied, "auth.not_logged_in")
	errLogin  = left4me.NewError(left4me.Denied, "auth.wrong_password")

	errUnknownRight = left4me.NewError(left4me.Denied, "right.nobody")
	errOtherTarget  = left4me.NewError(left4me.Denied, "right.see")

	errDisabled = left4me.NewError(left4me.Denied, "auth.disabled")
)

// RetryAfter is how long to wait before the next attempt. A left4me.Busy error wraps it.
type RetryAfter time.Duration

func (r RetryAfter) Error() string { return "retry after " + time.Duration(r).String() }

// after returns e with wait attached as a RetryAfter.
func after(wait time.Duration, e *left4me.Error) error { return e.Because(RetryAfter(wait)) }

// Accounts manages users, sessions and tokens. It is safe for concurrent use.
type Accounts struct {
	storage  *store.Store
	key      []byte
	keyed    sync.Pool // of *keyedHash
	log      *slog.Logger
	hashing  hashing
	throttle *throttle
	cache    *actorCache
	unsaved  unsaved
	ends     ends
	streams  streams
	now      func() time.Time
}

// New returns the Accounts stored in storage. The hashes of cookies and tokens are keyed with
// secret: changing it logs everybody out.
func New(storage *store.Store, secret string, log *slog.Logger) *Accounts {
	sum := sha256.Sum256([]byte("left4me accounts\x00" + secret))
	return &Accounts{
		storage: storage, key: sum[:], log: log,
		keyed: sync.Pool{New: func() any { return newKeyedHash(sum[:]) }}, hashing: newHashing(defaultCost),
		throttle: newThrottle(), cache: newActorCache(), now: time.Now,
	}
}

type digest [sha256.Size]byte

// keyedHash is a reusable HMAC. Every request needs one, and creating it allocates more memory than
// the rest of a token check.
type keyedHash struct {
	hash.Hash
	buf [128]byte
}

// newKeyedHash returns a keyedHash whose first Reset has already happened. The first Reset of an
// HMAC saves the state after the key; only later ones restore that state and thereby overwrite the
// remains of the hashed value.
func newKeyedHash(key []byte) *keyedHash {
	h := &keyedHash{Hash: hmac.New(sha256.New, key)}
	h.Reset()
	return h
}

// digest hashes value and leaves no trace of it in h, which stays in the pool after the request.
func (h *keyedHash) digest(value string) digest {
	_, _ = h.Write(append(h.buf[:0], value...))
	clear(h.buf[:])
	sum := digest(h.Sum(h.buf[:0]))
	h.Reset()
	return sum
}

// digest returns the keyed hash that is stored in place of a cookie or token.
func (a *Accounts) digest(value string) digest {
	h := a.keyed.Get().(*keyedHash)
	defer a.keyed.Put(h)
	return h.digest(value)
}

// denied replaces NotFound by "not logged in", so that the caller learns nothing more.
func denied(err error) error {
	if errors.Is(err, left4me.NotFound) {
		return errNobody
	}
	return err
}

const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// random returns n random base62 characters.
func random(n int) string {
	out := make([]byte, 0, n)
	buf := make([]byte, 2*n)
	for len(out) < n {
		_, _ = rand.Read(buf) // never fails
		for _, b := range buf {
			// 248 is the largest multiple of 62 below 256: every character is equally likely.
			if b < 248 && len(out) < n {
				out = append(out, base62[b%62])
			}
		}
	}
	return string(out)
}
