package left4me

import (
	"strings"
	"time"
)

// The kinds of jobs on backups. The target of CreateBackup is the host; the target of VerifyBackup
// is the backup's name.
const (
	CreateBackup JobKind = "backup.create"
	VerifyBackup JobKind = "backup.verify"
	// RestoreBackup reads a server from a backup, for which the target is the backup's name too.
	RestoreBackup JobKind = "backup.restore"
)

// Labels of the steps of backup jobs.
const (
	StepCheckBackupSpace = "check space for the backup"
	StepCopyDatabase     = "copy the database"
	StepPackFiles        = "pack files"
	StepVerifyBackup     = "check every file of the backup"
	StepKeepBackup       = "put the backup in place"
	StepDropBackups      = "remove backups that are too old"
	// StepReadBackup verifies a backup and reads a part of it. Its progress counts bytes of the archive.
	StepReadBackup = "read the backup"
)

// BackupTime formats a time in UTC for the name of a file: 20261125-043000-125z.
func BackupTime(at time.Time) string {
	return strings.ReplaceAll(at.UTC().Format("20060102-150405.000z"), ".", "-")
}

// BackupName returns the name of a backup that was requested at the given time.
func BackupName(at time.Time) Name { return Name("left4me-" + BackupTime(at)) }

// BackupSpec is the part of a backup job that is sent to the host.
type BackupSpec struct {
	Name      Name       `json:"name"`
	Scheduled bool       `json:"scheduled,omitempty"` // created by the schedule, which also removes old ones
	Keep      BackupKeep `json:"keep"`
	// Server is the server that RestoreBackup reads; nil for other jobs.
	Server *ServerInBackup `json:"server,omitempty"`
}

// ServerInBackup says which server is read from a backup, and what becomes of it.
type ServerInBackup struct {
	From       Name          `json:"from"`       // its name on the host when the backup was made
	Definition Server        `json:"definition"` // with a new id, under which its files are kept
	Then       AfterDeletion `json:"then"`
}

// OverlayInBackup says which overlay a build reads from a backup.
type OverlayInBackup struct {
	Backup  Name `json:"backup"`
	Overlay Name `json:"overlay"` // its name on the host when the backup was made
	// New reports that the overlay was created for these files: if they can't be read, it is removed.
	New bool `json:"new,omitempty"`
}

// BackupItem is the size of a server or an overlay in a backup.
type BackupItem struct {
	Kind  TargetKind `json:"kind"`
	Name  Name       `json:"name"` // name on the host when the backup was made
	Bytes int64      `json:"bytes"`
	Files int64      `json:"files"`
}

// BackupKeep is the number of scheduled backups to keep: the newest backup of each of the last days
// and weeks that have one.
type BackupKeep struct {
	Daily  int `json:"daily"`
	Weekly int `json:"weekly"`
}

// BackupPolicy is the schedule of automatic backups.
type BackupPolicy struct {
	Enabled bool   `json:"enabled"`
	At      string `json:"at"` // local time of the host, 15:04
	BackupKeep
}

// BackupState is the result of the last verification of a backup.
type BackupState string

// The states of a backup.
const (
	BackupVerified  BackupState = "verified"  // every file was read back and has its checksum
	BackupUnchecked BackupState = "unchecked" // imported from elsewhere, or never read back
	BackupDamaged   BackupState = "damaged"   // at least one file is missing or differs
)

// Backup is one archive of a host.
type Backup struct {
	Name       Name        `json:"name"`
	CreatedAt  time.Time   `json:"created_at"`
	Scheduled  bool        `json:"scheduled"`
	Bytes      int64       `json:"bytes"`  // size of the archive
	Stored     int64       `json:"stored"` // size of the files in it
	Files      int64       `json:"files"`
	SHA256     string      `json:"sha256"`  // checksum of the archive
	Version    string      `json:"version"` // version of left4me that created the archive
	State      BackupState `json:"state"`
	VerifiedAt time.Time   `json:"verified_at,omitzero"`
	Damage     []string    `json:"damage,omitempty"`   // the first problems that a verification found
	Warnings   []string    `json:"warnings,omitempty"` // the first files that could not be copied unchanged
}
