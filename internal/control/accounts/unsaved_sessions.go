package accounts

import (
	"slices"
	"sync"

	"github.com/left4me/left4me/internal/store"
)

// maxUnsaved bounds the sessions that are in memory only.
const maxUnsaved = 256

// unsaved is what there was no room for on a full disk, so that people can sign in
// and out: it is forgotten when left4me ends.
type unsaved struct {
	mu    sync.Mutex
	begun []begun  // oldest first
	ended []digest // sessions that are over, though their rows are there
}

type begun struct {
	sum     digest
	session store.Session
	user    store.User
}

func (u *unsaved) begin(b begun) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.begun = append(u.begun, b); len(u.begun) > maxUnsaved {
		u.begun = u.begun[1:]
	}
}

func (u *unsaved) get(sum digest) (begun, bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	i := slices.IndexFunc(u.begun, func(b begun) bool { return b.sum == sum })
	if i < 0 {
		return begun{}, false
	}
	return u.begun[i], true
}

// end ends a session, and reports whether it was one of these.
func (u *unsaved) end(sum digest) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	n := len(u.begun)
	u.begun = slices.DeleteFunc(u.begun, func(b begun) bool { return b.sum == sum })
	return len(u.begun) < n
}

// endAll ends all sessions of a user.
func (u *unsaved) endAll(user int64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.begun = slices.DeleteFunc(u.begun, func(b begun) bool { return b.user.ID == user })
}

func (u *unsaved) over(sum digest) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.ended = append(u.ended, sum)
}

func (u *unsaved) isOver(sum digest) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return slices.Contains(u.ended, sum)
}
