package apitype

import (
	"time"

	"github.com/left4me/left4me/internal/left4me"
)

// Backup is an archive of the database, the settings, the overlays' own files and the servers'
// writable layers.
type Backup struct {
	Name       left4me.Name        `json:"name"`
	CreatedAt  time.Time           `json:"created_at"`
	Scheduled  bool                `json:"scheduled" doc:"Created by the schedule, which removes it when it is too old"`
	Bytes      int64               `json:"bytes" doc:"Size of the archive"`
	Stored     int64               `json:"stored" doc:"Size of the files in the archive; 0 if unknown"`
	Files      int64               `json:"files"`
	SHA256     string              `json:"sha256" doc:"Checksum of the archive; empty if it was never read"`
	Version    string              `json:"version" doc:"Version of left4me that created the archive"`
	State      left4me.BackupState `json:"state" enum:"verified,unchecked,damaged"`
	VerifiedAt time.Time           `json:"verified_at,omitzero"`
	Damage     []string            `json:"damage" doc:"Problems found by the last verification"`
	Warnings   []string            `json:"warnings" doc:"Files that could not be backed up unchanged"`
}

// BackupPolicy is the schedule of automatic backups.
type BackupPolicy struct {
	Enabled bool   `json:"enabled"`
	At      string `json:"at" doc:"Local time of the host, such as 04:30"`
	Daily   int    `json:"daily" doc:"Number of days: the newest backup of each of the last days that have one is kept"`
	Weekly  int    `json:"weekly" doc:"Number of weeks: the newest backup of each of the last weeks that have one is kept"`
}

// BackupContents lists what can be restored from a backup.
type BackupContents struct {
	Servers  []BackupServer  `json:"servers"`
	Overlays []BackupOverlay `json:"overlays"`
}

// BackupServer is a server in a backup.
type BackupServer struct {
	Name      left4me.Name `json:"name"`
	Port      int          `json:"port"`
	Blueprint left4me.Name `json:"blueprint"`
	Overlays  []string     `json:"overlays"`
	Deleted   bool         `json:"deleted" doc:"It was deleted when the backup was made"`
	Bytes     int64        `json:"bytes" doc:"Size of its files; -1 until the backup is verified"`
}

// BackupOverlay is an overlay in a backup.
type BackupOverlay struct {
	Name  left4me.Name        `json:"name"`
	Kind  left4me.OverlayKind `json:"kind"`
	Bytes int64               `json:"bytes" doc:"Size of its revisions; -1 until the backup is verified"`
}

// RestorePart is the request to restore a server or an overlay from a backup.
type RestorePart struct {
	Name    string `json:"name" doc:"Name that it had when the backup was made"`
	As      string `json:"as,omitempty" doc:"New name; default: its own or, if that is in use, a free one"`
	Replace bool   `json:"replace,omitempty" doc:"In place of what has the name now, which stays restorable"`
}
