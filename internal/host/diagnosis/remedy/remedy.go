// Package remedy words commands so that they work for the person who reads them
// on this machine.
package remedy

import (
	"os"
	"os/exec"
	"os/user"
	"slices"
	"strconv"
	"strings"
)

// Reader is a person who reads a hint. The zero Reader is anybody: a page of the
// panel doesn't know which users its reader has on the host.
type Reader struct {
	Root bool // is root
	Sudo bool // may run commands as root with sudo
}

// administrators are the groups whose members sudo trusts in the distributions
// that left4me is made for, and in those beside them.
var administrators = []string{"sudo", "wheel", "admin"}

// Here is the user that this process runs as. A user whom sudo knows by name
// alone counts as one who may not use it: a hint that says who must run it is
// right, one that is refused is not.
func Here() Reader {
	if os.Geteuid() == 0 {
		return Reader{Root: true}
	}
	groups, err := os.Getgroups()
	if err != nil || !Has("sudo") {
		return Reader{}
	}
	return Reader{Sudo: slices.ContainsFunc(groups, func(id int) bool {
		g, err := user.LookupGroupId(strconv.Itoa(id))
		return err == nil && slices.Contains(administrators, g.Name)
	})}
}

// AsRoot words commands that root has to run, one after the other: between
// backquotes, as findings have them.
func (r Reader) AsRoot(commands ...string) string {
	prefix, lead := "", ""
	switch {
	case r.Root:
	case r.Sudo:
		prefix = "sudo "
	default:
		lead = "as root: "
	}
	quoted := make([]string, len(commands))
	for i, c := range commands {
		quoted[i] = "`" + prefix + c + "`"
	}
	return lead + strings.Join(quoted, ", then ")
}

// Install words the installation of Debian packages.
func (r Reader) Install(packages ...string) string {
	names := strings.Join(packages, " ")
	if !Has("apt-get") {
		return "install what Debian has as " + names
	}
	return r.AsRoot("apt-get install " + names)
}

// Has reports whether a program is installed.
func Has(program string) bool {
	_, err := exec.LookPath(program)
	return err == nil
}

// Systemd reports whether systemd is the init of this machine, as sd_booted(3)
// finds out.
func Systemd() bool {
	st, err := os.Lstat("/run/systemd/system")
	return err == nil && st.IsDir()
}
