// Package instance keeps the files of a server on its host: instance.env, the
// generated config layer, the stack of layers, and their removal.
//
// It writes what others act on and starts nothing itself. Every write is a
// temporary file, synced and renamed, so that a crash leaves the old state or
// the new one. What a running server has mounted is never changed in place: a
// changed configuration becomes a new generation of the config layer.
package instance

import (
	"path/filepath"

	"github.com/left4me/left4me/internal/left4me"
)

// Root is the directory that everything of a host stands in (LEFT4ME_ROOT).
// Its methods only compute paths.
type Root string

// Instance is where what the agent wrote about a server stands.
func (r Root) Instance(n left4me.Name) string {
	return filepath.Join(string(r), "instances", string(n))
}

// Env is the server's instance.env.
func (r Root) Env(n left4me.Name) string { return filepath.Join(r.Instance(n), "instance.env") }

// Runtime holds upper, work and merged of a server.
func (r Root) Runtime(n left4me.Name) string { return filepath.Join(string(r), "runtime", string(n)) }

// Upper is the writable layer of a server.
func (r Root) Upper(n left4me.Name) string { return filepath.Join(r.Runtime(n), "upper") }

// Merged is where a server sees its stack.
func (r Root) Merged(n left4me.Name) string { return filepath.Join(r.Runtime(n), "merged") }

// Home is the HOME of a server, where Steam's library keeps what it keeps.
func (r Root) Home(n left4me.Name) string { return filepath.Join(r.Runtime(n), "home") }

// Logs holds a server's console log and what is kept of its crashes.
func (r Root) Logs(n left4me.Name) string { return filepath.Join(string(r), "logs", string(n)) }

// Overlay holds the revisions of an overlay.
func (r Root) Overlay(n left4me.Name) string { return filepath.Join(string(r), "overlays", string(n)) }

// Installation holds the layers of the game.
func (r Root) Installation() string { return filepath.Join(string(r), "installation") }
