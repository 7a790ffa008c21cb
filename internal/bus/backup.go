package bus

import "github.com/left4me/left4me/internal/left4me"

// Verbs of Command for the backups of a host.
const (
	VerbBackups    = "backups"     // Empty → []left4me.Backup, newest first
	VerbDropBackup = "drop-backup" // BackupRequest → Empty
	VerbOpenBackup = "open-backup" // BackupRequest → OpenBackupAnswer
)

// VerbSnapshot is a verb of Ask: SnapshotRequest → SnapshotAnswer. The side that owns the database
// copies it for a backup job.
const VerbSnapshot = "snapshot"

// BackupRequest names a backup.
type BackupRequest struct {
	V    int          `json:"v"`
	Name left4me.Name `json:"name"`
}

// OpenBackupAnswer says what is in a backup. Path is a copy of its database, which the requester deletes,
// and Items are the sizes of the servers and overlays that have files; nil if the backup was never read
// completely. At most MaxBackupItems are listed.
type OpenBackupAnswer struct {
	V     int                  `json:"v"`
	Path  string               `json:"path"`
	Items []left4me.BackupItem `json:"items"`
}

// MaxBackupItems limits the items of an OpenBackupAnswer, so that it fits into a message.
const MaxBackupItems = 4000

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
