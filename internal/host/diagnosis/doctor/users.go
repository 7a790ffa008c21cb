package doctor

import (
	"io/fs"
	"os/user"
	"slices"
	"strings"

	"github.com/left4me/left4me/deploy"
	"github.com/left4me/left4me/internal/host/diagnosis/remedy"
	"github.com/left4me/left4me/internal/left4me"
)

// member is a user and a group that the user must belong to.
type member struct{ user, group string }

// users checks whether the package's users exist and belong to the groups through which they share
// files.
func users(cfg Config) left4me.Check {
	const name = "users"
	if !cfg.Packaged {
		return left4me.NewCheck(left4me.CheckSkipped, name, "package.absent")
	}
	conf, err := fs.ReadFile(deploy.Files, "sysusers/left4me.conf")
	if err != nil {
		return left4me.NewCheck(left4me.CheckWarn, name, "users.unreadable", "reason", err)
	}
	names, members := parseUsers(string(conf))
	return judgeUsers(cfg.Reader, names, members, groupsOf)
}

// parseUsers returns the users and memberships of a sysusers.d(5) file.
func parseUsers(conf string) (names []string, members []member) {
	for line := range strings.Lines(conf) {
		f := strings.Fields(line)
		switch {
		case len(f) >= 2 && f[0] == "u":
			names = append(names, f[1])
		case len(f) >= 3 && f[0] == "m":
			members = append(members, member{f[1], f[2]})
		}
	}
	return names, members
}

// groupsOf returns the names of a user's groups.
func groupsOf(name string) ([]string, error) {
	u, err := user.Lookup(name)
	if err != nil {
		return nil, err
	}
	ids, err := u.GroupIds()
	if err != nil {
		return nil, err
	}
	var groups []string
	for _, id := range ids {
		if g, err := user.LookupGroupId(id); err == nil {
			groups = append(groups, g.Name)
		}
	}
	return groups, nil
}

func judgeUsers(reader remedy.Reader, names []string, members []member, groups func(string) ([]string, error)) left4me.Check {
	const name = "users"
	commands := []string{"systemd-sysusers left4me.conf"}
	if remedy.Systemd() {
		commands = append(commands, "systemctl restart left4me") // a running process keeps its groups
	}
	command := reader.AsRoot(commands...)
	for _, n := range names {
		if _, err := groups(n); err != nil {
			return left4me.NewCheck(left4me.CheckBroken, name, "users.missing", "user", n, "reason", err, "command", command)
		}
	}
	for _, m := range members {
		if in, err := groups(m.user); err != nil || !slices.Contains(in, m.group) {
			return left4me.NewCheck(left4me.CheckBroken, name, "users.not_in_group", "user", m.user, "group", m.group, "command", command)
		}
	}
	return left4me.NewCheck(left4me.CheckOK, name, "users.ok", "users", strings.Join(names, ", "))
}
