// Package deploy has the files that a package of left4me lays on a machine, so
// that left4me doctor can compare the machine with them.
package deploy

import "embed"

// Files are the units, the polkit rule, the users and the directories, as they
// stand beside this file.
//
//go:embed systemd polkit sysusers tmpfiles
var Files embed.FS
