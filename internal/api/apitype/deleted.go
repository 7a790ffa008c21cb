package apitype

import (
	"github.com/left4me/left4me/internal/left4me"
)

// Deleted says what is gone.
type Deleted struct {
	Name left4me.Name `json:"name"`
}
