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
	mu       sync.Mutex
	sessions []unsavedSession // oldest first
	ended    []digest         // ended sessions whose rows still exist
}

type unsavedSession struct {
	sum     digest
	session store.Session
	user    store.User
}

func (u *unsaved) begin(b unsavedSession) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.sessions = append(u.sessions, b); len(u.sessions) > maxUnsaved {
		u.sessions = u.sessions[1:]
	}
}

func (u *unsaved) get(sum digest) (unsavedSession, bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	i := slices.IndexFunc(u.sessions, func(b unsavedSession) bool { return b.sum == sum })
	if i < 0 {
		return unsavedSession{}, false
	}
	return u.sessions[i], true
}

// end ends an unsaved session, and reports whether there was one.
func (u *unsaved) end(sum digest) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	n := len(u.sessions)
	u.sessions = slices.DeleteFunc(u.sessions, func(b unsavedSession) bool { return b.sum == sum })
	return len(u.sessions) < n
}

// endAll ends all unsaved sessions of a user.
func (u *unsaved) endAll(user int64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.sessions = slices.DeleteFunc(u.sessions, func(b unsavedSession) bool { return b.user.ID == user })
}

func (u *unsaved) markEnded(sum digest) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.ended = append(u.ended, sum)
}

func (u *unsaved) isMarkedEnded(sum digest) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return slices.Contains(u.ended, sum)
}
