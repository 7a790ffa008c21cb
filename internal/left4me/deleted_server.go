package left4me

import (
	"strings"
	"time"
)

// KeepDeletedServer is how long a deleted server can be restored.
const KeepDeletedServer = 7 * 24 * time.Hour

const keptPrefix = "deleted-"

// KeptName returns the name under which a host keeps the files of a deleted server until it is
// restored or removed. No server can have such a name.
func KeptName(id ID) Name { return Name(keptPrefix + string(id)) }

// Kept reports whether n is the KeptName of an id.
func (n Name) Kept() bool {
	id, ok := strings.CutPrefix(string(n), keptPrefix)
	return ok && len(id) == 24 && strings.Trim(id, "0123456789abcdefghijklmnopqrstuv") == ""
}

// DeletedServer is a server that was deleted and can be restored, or one that was read from a
// backup and is not in use yet. Its id is the one that it gets when it is restored.
type DeletedServer struct {
	Server
	Bytes     int64 // size of its files on the host
	DeletedAt time.Time
	DeletedBy Actor
	GoneAt    time.Time // its files are removed after this time
	Backup    Name      // backup that it was read from; empty: it was deleted
	// Then is what follows automatically; empty: a user decides.
	Then AfterDeletion
}

// AfterDeletion says what happens to a deleted server automatically.
type AfterDeletion string

// What happens to a deleted server. ThenReplace and an id mean that the server with this id is
// deleted first.
const (
	ThenNothing AfterDeletion = ""
	ThenRestore AfterDeletion = "restore"
	ThenReplace AfterDeletion = "replace:"
)

// Replaces returns the id of the server to delete first.
func (a AfterDeletion) Replaces() (ID, bool) {
	id, ok := strings.CutPrefix(string(a), string(ThenReplace))
	return ID(id), ok
}
