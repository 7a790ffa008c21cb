package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/deploy"
	"github.com/left4me/left4me/internal/host/diagnosis/remedy"
	"github.com/left4me/left4me/internal/left4me"
)

// place is a file or directory of left4me with its required owner and mode.
type place struct {
	path     string
	dir      bool
	mode     uint32 // permissions including the special bits, as chmod takes them
	user     string // empty: the owner of the root directory
	group    string // empty: any
	loose    bool   // fewer permissions than mode are fine too
	optional bool   // the place may be missing
}

// owned checks owners and modes of left4me's files, which can be repaired.
func owned(_ context.Context, cfg Config) []finding {
	const name = "ownership"
	if _, err := os.Lstat(cfg.Root); err != nil {
		return nil // reported by rootDirectory
	}
	all, err := places(cfg)
	if err != nil {
		return []finding{{Check: left4me.NewCheck(left4me.CheckWarn, name, "owners.unreadable", "reason", err)}}
	}
	var bad []finding
	for _, p := range all {
		if f, wrong := p.judge(cfg.Reader); wrong {
			bad = append(bad, f)
		}
	}
	bad = append(bad, openLayers(cfg)...)
	if len(bad) == 0 {
		return []finding{{Check: left4me.NewCheck(left4me.CheckOK, name, "owners.ok")}}
	}
	return bad
}

// places returns the places that the package or left4me itself creates, and in both cases the
// secret files.
func places(cfg Config) ([]place, error) {
	in := func(name string) string { return filepath.Join(cfg.Root, name) }
	all := []place{
		{path: in("left4me.db"), mode: 0o600, loose: true, optional: true},
		{path: in("bus"), dir: true, mode: 0o700, loose: true, optional: true},
	}
	if !cfg.Packaged {
		return append(all, place{path: cfg.Root, dir: true, mode: 0o755, loose: true},
			place{path: cfg.Run, dir: true, mode: 0o700, loose: true, optional: true}), nil
	}
	conf, err := fs.ReadFile(deploy.Files, "tmpfiles/left4me.conf")
	if err != nil {
		return nil, err
	}
	laid, err := parseTmpfiles(string(conf))
	if err != nil {
		return nil, err
	}
	moved := strings.NewReplacer("/var/lib/left4me", cfg.Root, "/run/left4me", cfg.Run, "/etc/left4me", filepath.Dir(cfg.Env))
	for _, p := range laid {
		p.path = moved.Replace(p.path)
		all = append(all, p)
	}
	for _, name := range []string{cfg.Env, filepath.Join(filepath.Dir(cfg.Env), "steam.env")} {
		all = append(all, place{path: name, mode: 0o640, user: "root", group: "left4me", loose: true, optional: true})
	}
	return all, nil
}

// parseTmpfiles returns the directories of a tmpfiles.d(5) file.
func parseTmpfiles(conf string) ([]place, error) {
	var all []place
	for line := range strings.Lines(conf) {
		f := strings.Fields(line)
		if len(f) == 0 || strings.HasPrefix(f[0], "#") || f[0] != "d" {
			continue
		}
		if len(f) < 5 {
			return nil, fmt.Errorf("tmpfiles: %q has no mode, user and group", strings.TrimSpace(line))
		}
		mode, err := strconv.ParseUint(f[2], 8, 12)
		if err != nil {
			return nil, fmt.Errorf("tmpfiles: mode of %s: %w", f[1], err)
		}
		all = append(all, place{path: f[1], dir: true, mode: uint32(mode), user: f[3], group: f[4]})
	}
	return all, nil
}

// judge compares a place with its required owner and mode.
func (p place) judge(reader remedy.Reader) (f finding, wrong bool) {
	const name = "ownership"
	uid, gid, err := p.ids()
	if err != nil {
		return finding{Check: left4me.NewCheck(left4me.CheckBroken, name, "owners.unknown", "path", p.path, "owner", p.user+":"+p.group,
			"reason", err, "command", reader.AsRoot("systemd-sysusers left4me.conf"))}, true
	}
	var st unix.Stat_t
	err = unix.Lstat(p.path, &st)
	owner := p.owner()
	switch {
	case errors.Is(err, unix.ENOENT) && p.optional:
		return f, false
	case errors.Is(err, unix.ENOENT) && p.dir:
		command := fmt.Sprintf("install -d -m %04o %s%s", p.mode, owner.flags, left4me.ShellWord(p.path))
		return finding{
			Check: left4me.NewCheck(left4me.CheckBroken, name, "owners.missing", "path", p.path, "command", reader.AsRoot(command)),
			fixed: command,
			fix:   func() error { return p.make(uid, gid) },
		}, true
	case errors.Is(err, unix.EACCES):
		return finding{Check: left4me.NewCheck(left4me.CheckSkipped, name, "owners.not_permitted", "path", p.path,
			"command", reader.AsRoot("left4me doctor"))}, true
	case err != nil:
		return finding{Check: left4me.NewCheck(left4me.CheckBroken, name, "owners.failed", "path", p.path, "reason", err)}, true
	case st.Mode&unix.S_IFMT == unix.S_IFLNK:
		// A directory moved to another disk must be mounted there: the root helper follows no
		// links.
		return finding{Check: left4me.NewCheck(left4me.CheckWarn, name, "owners.link", "path", p.path)}, true
	case p.dir && st.Mode&unix.S_IFMT != unix.S_IFDIR:
		return finding{Check: left4me.NewCheck(left4me.CheckBroken, name, "owners.not_a_directory", "path", p.path)}, true
	case !p.dir && st.Mode&unix.S_IFMT == unix.S_IFDIR:
		return finding{Check: left4me.NewCheck(left4me.CheckBroken, name, "owners.not_a_file", "path", p.path)}, true
	}
	has := st.Mode & 0o7777
	foreign := uid >= 0 && st.Uid != uint32(uid) || gid >= 0 && st.Gid != uint32(gid)
	if !foreign && (has == p.mode || p.loose && has&^p.mode == 0) {
		return f, false
	}
	want := p.mode
	if p.loose {
		want = has & p.mode
	}
	commands := []string{fmt.Sprintf("chmod %04o %s", want, left4me.ShellWord(p.path))}
	var c left4me.Check
	if foreign {
		commands = append([]string{fmt.Sprintf("chown %s %s", owner.name, left4me.ShellWord(p.path))}, commands...)
		c = left4me.NewCheck(left4me.CheckBroken, name, "owners.owner", "path", p.path, "owner", ownerOf(st.Uid, st.Gid), "want",
			owner.name,
			"command", reader.AsRoot(commands...))
	} else {
		c = left4me.NewCheck(left4me.CheckBroken, name, "owners.mode", "path", p.path, "mode", fmt.Sprintf("%04o", has),
			"want", fmt.Sprintf("%04o", want), "command", reader.AsRoot(commands...))
	}
	return finding{Check: c, fixed: strings.Join(commands, " && "), fix: func() error { return p.mend(uid, gid, want) }}, true
}

// ids returns the required user and group ids; -1 means any.
func (p place) ids() (uid, gid int, err error) {
	uid, gid = -1, -1
	if p.user != "" {
		u, err := user.Lookup(p.user)
		if err != nil {
			return uid, gid, err
		}
		if uid, err = strconv.Atoi(u.Uid); err != nil {
			return uid, gid, err
		}
	}
	if p.group != "" {
		g, err := user.LookupGroup(p.group)
		if err != nil {
			return uid, gid, err
		}
		if gid, err = strconv.Atoi(g.Gid); err != nil {
			return uid, gid, err
		}
	}
	return uid, gid, nil
}

// ownerText is the required owner, as text and as flags of install(1).
type ownerText struct{ name, flags string }

func (p place) owner() ownerText {
	if p.user == "" {
		return ownerText{}
	}
	return ownerText{p.user + ":" + p.group, fmt.Sprintf("-o %s -g %s ", p.user, p.group)}
}

// ownerOf returns owner and group of a file as text.
func ownerOf(uid, gid uint32) string {
	group := strconv.Itoa(int(gid))
	if g, err := user.LookupGroupId(group); err == nil {
		group = g.Name
	}
	return userName(uid) + ":" + group
}

// userName returns the name of a user, or the number if there is no name.
func userName(uid uint32) string {
	id := strconv.Itoa(int(uid))
	if u, err := user.LookupId(id); err == nil {
		return u.Username
	}
	return id
}

func (p place) make(uid, gid int) error {
	if err := os.Mkdir(p.path, 0o700); err != nil {
		return err
	}
	return p.mend(uid, gid, p.mode)
}

// mend sets owner and mode of a place. The owner of the parent directory could try to make root
// change another file: mend follows no symbolic link and refuses a file with several hard links.
func (p place) mend(uid, gid int, mode uint32) error {
	flags := unix.O_RDONLY | unix.O_NOFOLLOW | unix.O_CLOEXEC | unix.O_NONBLOCK
	if p.dir {
		flags |= unix.O_DIRECTORY
	}
	dir, err := openParent(filepath.Dir(p.path))
	if err != nil {
		return err
	}
	defer unix.Close(dir)
	fd, err := unix.Openat(dir, filepath.Base(p.path), flags, 0)
	if err != nil {
		return &fs.PathError{Op: "open", Path: p.path, Err: err}
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return &fs.PathError{Op: "stat", Path: p.path, Err: err}
	}
	if !p.dir && (st.Mode&unix.S_IFMT != unix.S_IFREG || st.Nlink != 1) {
		return left4me.NewError(left4me.Denied, "doctor.not_a_plain_file", "path", p.path)
	}
	if err := unix.Fchown(fd, uid, gid); err != nil {
		return &fs.PathError{Op: "chown", Path: p.path, Err: err}
	}
	if err := unix.Fchmod(fd, mode); err != nil {
		return &fs.PathError{Op: "chmod", Path: p.path, Err: err}
	}
	return nil
}

// openParent opens a directory without following symbolic links in its path.
func openParent(path string) (int, error) {
	how := unix.OpenHow{Flags: unix.O_PATH | unix.O_DIRECTORY | unix.O_CLOEXEC, Resolve: unix.RESOLVE_NO_SYMLINKS}
	fd, err := unix.Openat2(unix.AT_FDCWD, path, &how)
	if err != nil {
		return -1, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	return fd, nil
}

// openLayers finds layers that everybody may write to. Any user could put files there that every
// server would load.
func openLayers(cfg Config) []finding {
	var bad []finding
	for _, pattern := range []string{"installation", "installation/*", "overlays", "overlays/*", "overlays/*/*"} {
		paths, err := filepath.Glob(filepath.Join(cfg.Root, pattern))
		if err != nil {
			continue // the pattern is valid unless the root contains special characters
		}
		for _, path := range paths {
			var st unix.Stat_t
			if unix.Lstat(path, &st) != nil || st.Mode&unix.S_IFMT != unix.S_IFDIR || st.Mode&0o002 == 0 {
				continue
			}
			p := place{path: path, dir: true}
			command := "chmod o-w " + left4me.ShellWord(path)
			bad = append(bad, finding{
				Check: left4me.NewCheck(left4me.CheckBroken, "layers", "layers.writable", "path", path, "command",
					cfg.Reader.AsRoot(command)),
				fixed: command,
				fix:   func() error { return p.mend(-1, -1, st.Mode&0o7775) },
			})
		}
	}
	return bad
}
