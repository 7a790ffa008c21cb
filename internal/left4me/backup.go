package left4me

import (
	"strings"
	"time"
)

// The kinds of jobs on backups. A backup is made for a host, which is the
// target; the target of a check is the backup's own name.
const (
	CreateBackup JobKind = "backup.create"
	VerifyBackup JobKind = "backup.verify"
)

// Labels of the steps of backup jobs.
const (
	StepCheckBackupSpace = "check space for the backup"
	StepCopyDatabase     = "copy the database"
	StepPackFiles        = "pack files"
	StepVerifyBackup     = "check every file of the backup"
	StepKeepBackup       = "put the backup in place"
	StepDropBackups      = "remove backups that are too old"
)

// BackupTime is how a time in UTC stands in a name: 20261125-043000-125z.
func BackupTime(at time.Time) string {
	return strings.ReplaceAll(at.UTC().Format("20060102-150405.000z"), ".", "-")
}

// BackupName names the backup that was asked for at a moment.
func BackupName(at time.Time) Name { return Name("left4me-" + BackupTime(at)) }

// BackupSpec is what a host is told of a job on backups.
type BackupSpec struct {
	Name      Name       `json:"name"`
	Scheduled bool       `json:"scheduled,omitempty"` // nobody asked for it: it goes when it is old
	Keep      BackupKeep `json:"keep"`
}

// BackupKeep is how many backups of the schedule are kept: of each of the last
// days and weeks that have one, the newest.
type BackupKeep struct {
	Daily  int `json:"daily"`
	Weekly int `json:"weekly"`
}

// BackupPolicy says when backups are made by themselves.
type BackupPolicy struct {
	Enabled bool   `json:"enabled"`
	At      string `json:"at"` // the local time of the host, 15:04
	BackupKeep
}

// BackupState is what is known of the files in a backup.
type BackupState string

// The states of a backup.
const (
	BackupVerified  BackupState = "verified"  // every file was read back and is as it was packed
	BackupUnchecked BackupState = "unchecked" // it came from elsewhere, or was never read back
	BackupDamaged   BackupState = "damaged"
)

// Backup is one archive of a host.
type Backup struct {
	Name       Name        `json:"name"`
	CreatedAt  time.Time   `json:"created_at"`
	Scheduled  bool        `json:"scheduled"`
	Bytes      int64       `json:"bytes"`  // of the archive
	Stored     int64       `json:"stored"` // of the files in it
	Files      int64       `json:"files"`
	SHA256     string      `json:"sha256"`  // of the archive
	Version    string      `json:"version"` // of the left4me that made it
	State      BackupState `json:"state"`
	VerifiedAt time.Time   `json:"verified_at,omitzero"`
	Damage     []string    `json:"damage,omitempty"`   // what is wrong with it, the first things
	Warnings   []string    `json:"warnings,omitempty"` // what could not be taken as it was, the first things
}
