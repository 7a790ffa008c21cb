package apitype

import (
	"time"

	"github.com/left4me/left4me/internal/left4me"
)

// Backup is an archive of the database, the settings, the overlays' own files and
// what servers wrote.
type Backup struct {
	Name       left4me.Name        `json:"name"`
	CreatedAt  time.Time           `json:"created_at"`
	Scheduled  bool                `json:"scheduled" doc:"Made by the schedule, which removes it when it is old"`
	Bytes      int64               `json:"bytes" doc:"Of the archive"`
	Stored     int64               `json:"stored" doc:"Bytes of the files in it; 0 when it isn't known"`
	Files      int64               `json:"files"`
	SHA256     string              `json:"sha256" doc:"Of the archive; empty when it was never read"`
	Version    string              `json:"version" doc:"Of the left4me that made it"`
	State      left4me.BackupState `json:"state" enum:"verified,unchecked,damaged"`
	VerifiedAt time.Time           `json:"verified_at,omitzero"`
	Damage     []string            `json:"damage" doc:"What is wrong with it"`
	Warnings   []string            `json:"warnings" doc:"What could not be taken as it was"`
}

// BackupPolicy says when backups are made by themselves.
type BackupPolicy struct {
	Enabled bool   `json:"enabled"`
	At      string `json:"at" doc:"Local time of the host, like 04:30"`
	Daily   int    `json:"daily" doc:"Of how many of the last days with a backup the newest is kept"`
	Weekly  int    `json:"weekly" doc:"Of how many of the last weeks with a backup the newest is kept"`
}
