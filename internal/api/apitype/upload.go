package apitype

import (
	"time"

	"github.com/left4me/left4me/internal/left4me"
)

// Upload is an upload for an overlay.
type Upload struct {
	ID        string       `json:"id"`
	By        string       `json:"by"`
	Overlay   left4me.Name `json:"overlay"`
	CreatedAt time.Time    `json:"created_at"`
	ExpiresAt time.Time    `json:"expires_at" doc:"When the upload is deleted unless it is continued"`
	Complete  bool         `json:"complete" doc:"All files that were started are complete"`
	Files     []UploadFile `json:"files"`
}

// UploadFile is one file of an upload.
type UploadFile struct {
	Path string `json:"path"`
	Size int64  `json:"size" doc:"Announced size; -1 while unknown"`
	Have int64  `json:"have" doc:"Number of bytes received, which is the offset at which to continue"`
}

// UploadChange is the request for a plan.
type UploadChange struct {
	Import  left4me.Import `json:"import,omitempty"`
	Replace bool           `json:"replace,omitempty" doc:"The upload replaces all files; otherwise it is added to the existing ones"`
	Delete  []string       `json:"delete,omitempty" doc:"Paths of files or directories to delete"`
	Base    int            `json:"base,omitempty" doc:"Revision that the change is based on: later ones conflict. -1: none, 0: not checked"`
}

// ArchiveNames is the default encoding of names in archives.
type ArchiveNames struct {
	Encoding string `json:"encoding" maxLength:"40" doc:"automatic, or the encoding for names that are too short to detect one"`
}

// ArchiveNamesShown is the default encoding with all supported encodings.
type ArchiveNamesShown struct {
	ArchiveNames
	Encodings []NameEncoding `json:"encodings" doc:"Supported encodings, also for import.names, most common first"`
}

// NameEncoding is an encoding of names in archives.
type NameEncoding struct {
	Name  string `json:"name"`
	Label string `json:"label"`
}

// DroppedUpload is the answer to deleting an upload.
type DroppedUpload struct {
	ID string `json:"id"`
}
