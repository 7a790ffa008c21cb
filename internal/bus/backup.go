package bus

import "github.com/left4me/left4me/internal/left4me"

// Verbs of Command for the backups of a host.
const (
	VerbBackups    = "backups"     // Empty → []left4me.Backup, newest first
	VerbDropBackup = "drop-backup" // BackupRequest → Empty
)

// VerbSnapshot is a verb of Ask: SnapshotRequest → SnapshotAnswer. The side that owns the database
// copies it for a backup job.
const VerbSnapshot = "snapshot"

// BackupRequest names a backup.
type BackupRequest struct {
	V    int          `json:"v"`
	Name left4me.Name `json:"name"`
}

// SnapshotRequest requests a copy of the database for a running job.
type SnapshotRequest struct {
	V  int           `json:"v"`
	ID left4me.JobID `json:"id"`
}

// SnapshotAnswer names the copy, which the requester deletes.
type SnapshotAnswer struct {
	V      int    `json:"v"`
	Path   string `json:"path"`
	Schema int64  `json:"schema"`
}
