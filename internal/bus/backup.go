package bus

import "github.com/left4me/left4me/internal/left4me"

// Verbs of Command on the backups of a host.
const (
	VerbBackups    = "backups"     // Empty → []left4me.Backup, newest first
	VerbDropBackup = "drop-backup" // BackupRequest → Empty
)

// VerbSnapshot is a verb of Ask: SnapshotRequest → SnapshotAnswer. The side that
// has the database writes a copy of it for a job that makes a backup.
const VerbSnapshot = "snapshot"

// BackupRequest names a backup.
type BackupRequest struct {
	V    int          `json:"v"`
	Name left4me.Name `json:"name"`
}

// SnapshotRequest asks for a copy of the database, for a job that runs.
type SnapshotRequest struct {
	V  int           `json:"v"`
	ID left4me.JobID `json:"id"`
}

// SnapshotAnswer says where the copy is; whoever asked removes it.
type SnapshotAnswer struct {
	V      int    `json:"v"`
	Path   string `json:"path"`
	Schema int64  `json:"schema"`
}
