// Package accounts says who somebody is and what they may do: users and their
// passwords, sessions of browsers, tokens of programs, and the one function that
// checks rights.
//
// It promises that a password check takes equally long for users who are there
// and who are not, that guessing is slowed down by account and by address with
// bounded memory, that at most two passwords are hashed at once, and that
// neither the database nor a copy of it is enough to log in as anybody: cookies
// and tokens are kept only as a keyed hash.
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

// Bounds of names and passwords.
const (
	MinPassword = 10   // characters
	MaxPassword = 1024 // bytes
	maxLabel    = 100
)

// Actor is somebody who asks for something. The zero Actor is nobody.
type Actor struct {
	UserID int64 // never used again for another user; 0 for the machine's own administrator
	Name   string
	Admin  bool
	// Token is the label of the token that UserID acts with; empty: without one.
	Token string
	// Only are the targets that the actor may see and use, each with the rights of the
	// role; nil: all of them. Grants on single servers are to fill it. They may have names
	// from before a rename: where they have ids, what has a name alone is looked up.
	Only *Targets

	names *store.Store // to look it up; nil: names are compared
}

// Same reports whether two actors are one person, or the machine, with the same rights.
func (a Actor) Same(o Actor) bool {
	if a.Only == nil || o.Only == nil {
		return a == o
	}
	return slices.Equal(*a.Only, *o.Only) && a.UserID == o.UserID && a.Name == o.Name && a.Admin == o.Admin
}

// Cause is the actor of the events and jobs of what somebody does.
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

// RetryAfter is the cause inside a left4me.Busy error: how long to wait.
type RetryAfter time.Duration

func (r RetryAfter) Error() string { return "retry after " + time.Duration(r).String() }

// after is e with how long to wait.
func after(wait time.Duration, e *left4me.Error) error { return e.Because(RetryAfter(wait)) }

// Accounts is the list of accounts. It is safe for concurrent use.
type Accounts struct {
	storage  *store.Store
	key      []byte
	keyed    sync.Pool // of *keyedHash
	log      *slog.Logger
	hashing  hashing
	throttle *throttle
	known    *known
	unsaved  unsaved
	ends     ends
	streams  streams
	now      func() time.Time
}

// New makes the list. The secret is what hashes of cookies and tokens are keyed
// with: another one logs everybody out.
func New(storage *store.Store, secret string, log *slog.Logger) *Accounts {
	sum := sha256.Sum256([]byte("left4me accounts\x00" + secret))
	return &Accounts{
		storage: storage, key: sum[:], log: log,
		keyed: sync.Pool{New: func() any { return newKeyedHash(sum[:]) }}, hashing: newHashing(normal),
		throttle: newThrottle(), known: newKnown(), now: time.Now,
	}
}

type digest [sha256.Size]byte

// keyedHash is an HMAC that is used again. One is needed for each request, and to make
// it takes more memory than all else that is done for a token.
type keyedHash struct {
	hash.Hash
	buf [128]byte
}

// newKeyedHash makes one that is ready for use. The first Reset of an HMAC keeps its
// state after the key, and only the later ones, which take that back, write over all that
// it has of what it was given: so the first one is here.
func newKeyedHash(key []byte) *keyedHash {
	h := &keyedHash{Hash: hmac.New(sha256.New, key)}
	h.Reset()
	return h
}

// digest hashes a value and leaves nothing of it in h, which the pool keeps for longer
// than the request.
func (h *keyedHash) digest(value string) digest {
	_, _ = h.Write(append(h.buf[:0], value...))
	clear(h.buf[:])
	sum := digest(h.Sum(h.buf[:0]))
	h.Reset()
	return sum
}

// digest is what is kept of a cookie or token.
func (a *Accounts) digest(value string) digest {
	h := a.keyed.Get().(*keyedHash)
	defer a.keyed.Put(h)
	return h.digest(value)
}

// denied turns "not found" into "not logged in": whoever asks shall not learn
// more.
func denied(err error) error {
	if errors.Is(err, left4me.NotFound) {
		return errNobody
	}
	return err
}

const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// random gives n random characters of base62.
func random(n int) string {
	out := make([]byte, 0, n)
	buf := make([]byte, 2*n)
	for len(out) < n {
		_, _ = rand.Read(buf) // never fails
		for _, b := range buf {
			// 248 is the largest multiple of 62 in a byte: no character is likelier.
			if b < 248 && len(out) < n {
				out = append(out, base62[b%62])
			}
		}
	}
	return string(out)
}
