package accounts

import (
	"slices"
	"sync"

	"github.com/left4me/left4me/internal/store"
)

// maxUnsaved limits the sessions that are held in memory only.
const maxUnsaved = 256

// unsaved holds session changes that could not be written to a full disk, so that users can log in
// and out. It is lost when left4me exits.
type unsaved struct {
	mu    sync.Mutex
	begun []begun  // oldest first
	ended []digest // ended sessions whose rows still exist
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

// end ends an unsaved session, and reports whether there was one.
func (u *unsaved) end(sum digest) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	n := len(u.begun)
	u.begun = slices.DeleteFunc(u.begun, func(b begun) bool { return b.sum == sum })
	return len(u.begun) < n
}

// endAll ends all unsaved sessions of a user.
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
