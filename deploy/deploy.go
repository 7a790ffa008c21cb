// Package deploy embeds files that the package installs, so that left4me doctor can
// compare the host with them.
package deploy

import "embed"

// Files contains the units, the polkit rule, and the definitions of users and directories,
// unchanged.
//
//go:embed systemd polkit sysusers tmpfiles
var Files embed.FS
