package apitype

import (
	"github.com/left4me/left4me/internal/left4me"
)

// Deleted is the answer to a deletion.
type Deleted struct {
	Name left4me.Name `json:"name"`
}
