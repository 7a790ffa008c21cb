package apitype

import (
	"time"

	"github.com/left4me/left4me/internal/left4me"
)

// Upload is what somebody is sending.
type Upload struct {
	ID        string       `json:"id"`
	By        string       `json:"by"`
	Overlay   left4me.Name `json:"overlay"`
	CreatedAt time.Time    `json:"created_at"`
	ExpiresAt time.Time    `json:"expires_at" doc:"When it is dropped if nobody goes on with it"`
	Complete  bool         `json:"complete" doc:"All that was begun has come"`
	Files     []UploadFile `json:"files"`
}

// UploadFile is one file of an upload.
type UploadFile struct {
	Path string `json:"path"`
	Size int64  `json:"size" doc:"As it was announced; -1 when its end is not known yet"`
	Have int64  `json:"have" doc:"Bytes that have come: where to go on"`
}

// UploadChange is what a plan is asked for with.
type UploadChange struct {
	Import  left4me.Import `json:"import,omitempty"`
	Replace bool           `json:"replace,omitempty" doc:"The upload is all there will be; else it goes over what is there"`
	Delete  []string       `json:"delete,omitempty" doc:"Paths of files or directories that go"`
	Base    int            `json:"base,omitempty" doc:"Revision that the change is based on: later ones conflict. -1: none, 0: not checked"`
}

// ArchiveNames is the setting of names in archives.
type ArchiveNames struct {
	Encoding string `json:"encoding" maxLength:"40" doc:"automatic, or the encoding that names are taken for which are too short to tell"`
}

// ArchiveNamesShown is the setting with what can be chosen.
type ArchiveNamesShown struct {
	ArchiveNames
	Encodings []NameEncoding `json:"encodings" doc:"Those that are known, also for import.names; the ones that are met most first"`
}

// NameEncoding is an encoding that names in archives may be in.
type NameEncoding struct {
	Name  string `json:"name"`
	Label string `json:"label"`
}

// DroppedUpload says what is gone.
type DroppedUpload struct {
	ID string `json:"id"`
}
