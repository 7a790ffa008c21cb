package instance

import (
	"fmt"
	"strings"

	"github.com/left4me/left4me/internal/left4me"
)

// adminsPath is where SourceMod reads who may do more.
const adminsPath = "left4dead2/addons/sourcemod/configs/admins_simple.ini"

// adminsFile is the text of SourceMod's list of admins: that of the topmost
// overlay which has one, since the generated file hides it, and the admins of the
// settings behind it. Without such admins there is none, and the overlay's own
// stays to be seen.
func adminsFile(spec left4me.Spec, lower Lower) string {
	var b strings.Builder
	for _, a := range spec.Settings.Admins {
		id, err := left4me.ParseSteamID(a.ID)
		rights := a.Flags
		if a.Group != "" {
			rights = "@" + a.Group
		}
		if err != nil || rights == "" {
			continue // it was checked where it entered
		}
		if a.Note != "" {
			fmt.Fprintf(&b, "// %s\n", oneLine(a.Note))
		}
		fmt.Fprintf(&b, "\"%s\" \"%s\"\n", id, left4me.CfgValue(rights))
	}
	if b.Len() == 0 {
		return ""
	}
	head := fmt.Sprintf("// Written by left4me for server %s%s at its start: changes here are lost.\n", spec.Name, blueprintOf(spec))
	if lower.Admins != "" {
		head += fmt.Sprintf("// First what overlay %s has in this file, which hides it.\n%s\n", lower.AdminsOf,
			strings.TrimRight(lower.Admins, "\r\n"))
	}
	return head + "// Admins of the settings of server and blueprint.\n" + b.String()
}
