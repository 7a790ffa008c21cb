// Package instance manages the files of a server on its host: instance.env, the generated config layer,
// the stack of layers, and their removal.
//
// It writes files for others and starts nothing. Each file is written to a temporary file, synced and
// renamed, so that a crash leaves either the old or the new state. Files that a running server has
// mounted are never modified: a changed configuration becomes a new generation of the config layer.
package instance

import (
	"path/filepath"

	"github.com/left4me/left4me/internal/left4me"
)

// Root is the directory that contains all data of a host (LEFT4ME_ROOT). The methods in this file only
// compute paths.
type Root string

// Instance is the directory with the agent's files for a server.
func (r Root) Instance(n left4me.Name) string {
	return filepath.Join(string(r), "instances", string(n))
}

// Env is the path of the server's instance.env.
func (r Root) Env(n left4me.Name) string { return filepath.Join(r.Instance(n), "instance.env") }

// Runtime is the directory that contains upper, work, merged and home of a server.
func (r Root) Runtime(n left4me.Name) string { return filepath.Join(string(r), "runtime", string(n)) }

// Upper is the writable layer of a server.
func (r Root) Upper(n left4me.Name) string { return filepath.Join(r.Runtime(n), "upper") }

// Merged is the mount point of a server's stack.
func (r Root) Merged(n left4me.Name) string { return filepath.Join(r.Runtime(n), "merged") }

// Home is the HOME directory of a server, used by Steam's library.
func (r Root) Home(n left4me.Name) string { return filepath.Join(r.Runtime(n), "home") }

// Logs contains a server's console log and crash records.
func (r Root) Logs(n left4me.Name) string { return filepath.Join(string(r), "logs", string(n)) }

// Overlay contains the revisions of an overlay.
func (r Root) Overlay(n left4me.Name) string { return filepath.Join(string(r), "overlays", string(n)) }

// Installation contains the layers of the game.
func (r Root) Installation() string { return filepath.Join(string(r), "installation") }
