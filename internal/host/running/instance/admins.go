package instance

import (
	"fmt"
	"strings"

	"github.com/left4me/left4me/internal/left4me"
)

// adminsPath is the file from which SourceMod reads its admins.
const adminsPath = "left4dead2/addons/sourcemod/configs/admins_simple.ini"

// adminsFile returns the text of SourceMod's list of admins: the list of the topmost overlay that has
// one, which the generated file hides, followed by the admins from the settings. Without admins in the
// settings it returns "", and the overlay's list stays visible.
func adminsFile(spec left4me.Spec, lower Lower) string {
	var b strings.Builder
	for _, a := range spec.Settings.Admins {
		id, err := left4me.ParseSteamID(a.ID)
		rights := a.Flags
		if a.Group != "" {
			rights = "@" + a.Group
		}
		if err != nil || rights == "" {
			continue // invalid entries are rejected when they are saved
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
