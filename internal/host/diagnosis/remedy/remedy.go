// Package remedy formats commands so that the reader of a hint can run them on this machine.
package remedy

import (
	"os"
	"os/exec"
	"os/user"
	"slices"
	"strconv"
	"strings"

	"github.com/left4me/left4me/internal/left4me"
)

// Reader is the person who reads a hint. The zero Reader is an unknown user: the panel does not
// know which users its readers have on the host.
type Reader struct {
	Root bool // the reader is root
	Sudo bool // the reader may run commands as root with sudo
}

// administrators are the groups that sudo trusts on the supported distributions and on similar
// ones.
var administrators = []string{"sudo", "wheel", "admin"}

// Here returns the user that runs this process. It reports Sudo only for members of the groups in
// administrators: a user who is listed in sudoers by name gets the hint "as root", which is still
// correct, whereas a sudo command that is refused is not.
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

// AsRoot returns commands that root must run one after the other.
func (r Reader) AsRoot(commands ...string) left4me.Remedy {
	switch {
	case r.Root:
		return left4me.Commands(commands...)
	case !r.Sudo:
		return left4me.Remedy{Commands: commands, AsRoot: true}
	}
	withSudo := make([]string, len(commands))
	for i, c := range commands {
		withSudo[i] = "sudo " + c
	}
	return left4me.Commands(withSudo...)
}

// Install returns the command that installs Debian packages, or the names of the packages
// if this machine has another package manager.
func (r Reader) Install(packages ...string) left4me.Remedy {
	names := strings.Join(packages, " ")
	if !Has("apt-get") {
		return left4me.Remedy{Packages: names}
	}
	return r.AsRoot("apt-get install " + names)
}

// Has reports whether a program is installed.
func Has(program string) bool {
	_, err := exec.LookPath(program)
	return err == nil
}

// Systemd reports whether systemd is the init system of this machine, by the method of
// sd_booted(3).
func Systemd() bool {
	st, err := os.Lstat("/run/systemd/system")
	return err == nil && st.IsDir()
}
