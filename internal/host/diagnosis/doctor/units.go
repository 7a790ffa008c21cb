package doctor

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/left4me/left4me/deploy"
	"github.com/left4me/left4me/internal/host/diagnosis/remedy"
	"github.com/left4me/left4me/internal/host/running/systemd"
	"github.com/left4me/left4me/internal/left4me"
)

// ownNamespace lists the properties that give a unit its own mount namespace when set. Mounts
// of left4me's mount units would then be invisible to other processes: systemd.exec(5), "Sandboxing".
var ownNamespace = []string{
	"BindPaths", "BindReadOnlyPaths", "DynamicUser", "ExecPaths", "ExtensionImages", "InaccessiblePaths", "LogNamespace", "MountImages",
	"NoExecPaths", "PrivateDevices", "PrivateIPC", "PrivateMounts", "PrivateNetwork", "PrivatePIDs", "PrivateTmp", "PrivateUsers",
	"ProcSubset",
	"ProtectControlGroups", "ProtectHome", "ProtectKernelLogs", "ProtectKernelModules", "ProtectKernelTunables", "ProtectProc",
	"ProtectSystem",
	"ReadOnlyPaths", "ReadWritePaths", "RootDirectory", "RootImage", "TemporaryFileSystem",
}

// hardening lists prefixes of the settings that restrict a unit. A drop-in may change them
// intentionally, but the change is worth a warning.
var hardening = []string{
	"AmbientCapabilities", "BindPaths", "BindReadOnlyPaths", "CapabilityBoundingSet", "DevicePolicy", "DynamicUser", "ExecStart", "Group",
	"IPAddress", "InaccessiblePaths", "KeyringMode", "LockPersonality", "MemoryDenyWriteExecute", "NoNewPrivileges", "Private", "Protect",
	"ReadOnlyPaths", "ReadWritePaths", "Restrict", "Root", "SupplementaryGroups", "SystemCall", "TemporaryFileSystem", "UMask", "User",
}

// units compares the loaded units with those of the package.
func units(ctx context.Context, cfg Config) []left4me.Check {
	const name = "units"
	switch {
	case !cfg.Packaged:
		return []left4me.Check{left4me.NewCheck(left4me.CheckSkipped, name, "package.absent")}
	case !remedy.Systemd():
		return []left4me.Check{left4me.NewCheck(left4me.CheckSkipped, name, "units.no_systemd")}
	}
	names := laidUnits()
	loaded, err := systemd.Loaded(ctx, names)
	if err != nil {
		return []left4me.Check{left4me.NewCheck(left4me.CheckBroken, name, "units.unreadable", "reason", left4me.ReasonOf(err))}
	}
	var bad []left4me.Check
	for _, u := range loaded {
		laid, err := fs.ReadFile(deploy.Files, "systemd/"+u.Name)
		if err != nil {
			return []left4me.Check{left4me.NewCheck(left4me.CheckWarn, name, "units.unreadable", "reason", err)}
		}
		bad = append(bad, judgeUnit(cfg.Reader, u, string(laid), readText)...)
	}
	if len(bad) == 0 {
		return []left4me.Check{left4me.NewCheck(left4me.CheckOK, name, "units.ok", "number", len(loaded))}
	}
	return bad
}

// laidUnits returns the names of the package's units.
func laidUnits() []string {
	entries, err := fs.ReadDir(deploy.Files, "systemd")
	if err != nil {
		return nil // cannot happen: the files are embedded
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names
}

func readText(path string) (string, error) {
	b, err := os.ReadFile(path)
	return string(b), err
}

// judgeUnit compares a loaded unit with laid, the version from the package.
func judgeUnit(reader remedy.Reader, u systemd.Unit, laid string, read func(string) (string, error)) []left4me.Check {
	name := "unit " + u.Name
	reload := reader.AsRoot("systemctl daemon-reload")
	switch u.Loaded {
	case "loaded":
	case "masked":
		return []left4me.Check{left4me.NewCheck(left4me.CheckBroken, name, "unit.masked", "command",
			reader.AsRoot("systemctl unmask "+u.Name))}
	case "not-found":
		return []left4me.Check{left4me.NewCheck(left4me.CheckBroken, name, "unit.unknown", "command", reload)}
	default:
		return []left4me.Check{
			left4me.NewCheck(left4me.CheckBroken, name, "unit.not_loaded", "state", u.Loaded, "command",
				left4me.Commands("systemctl status "+u.Name)),
		}
	}
	if used := inOwnNamespace(u); len(used) > 0 {
		return []left4me.Check{left4me.NewCheck(left4me.CheckBroken, name, "unit.own_namespace", "settings", strings.Join(used, ", "),
			"files", filesOf(u), "command", reload)}
	}
	var found []left4me.Check
	if u.Stale {
		found = append(found, left4me.NewCheck(left4me.CheckWarn, name, "unit.stale", "command", reload))
	}
	if text, err := read(u.Path); err == nil && text != laid {
		found = append(found,
			left4me.NewCheck(left4me.CheckWarn, name, "unit.changed", "path", u.Path, "command", reader.AsRoot("systemctl revert "+u.Name)))
	}
	for _, path := range u.DropIns {
		text, err := read(path)
		if err != nil {
			found = append(found, left4me.NewCheck(left4me.CheckWarn, name, "unit.drop_in_unreadable", "path", path,
				"command", left4me.Commands("systemctl cat "+u.Name)))
			continue
		}
		if keys := weakened(text); len(keys) > 0 {
			found = append(found, left4me.NewCheck(left4me.CheckWarn, name, "unit.drop_in_weakens", "path", path,
				"settings", strings.Join(keys, ", "), "command", reload))
		}
	}
	return found
}

// filesOf returns the paths of a unit's drop-ins or, without any, of its file.
func filesOf(u systemd.Unit) string {
	if len(u.DropIns) > 0 {
		return strings.Join(u.DropIns, ", ")
	}
	return u.Path
}

// inOwnNamespace returns the properties of a mount unit that hide what it mounts.
func inOwnNamespace(u systemd.Unit) []string {
	if !strings.HasPrefix(u.Name, "left4me-mount@") && !strings.HasPrefix(u.Name, "left4me-unmount@") {
		return nil
	}
	var used []string
	for _, p := range ownNamespace {
		if isSet(u.Properties[p]) {
			used = append(used, p+"=")
		}
	}
	return used
}

// isSet reports whether a property differs from its default.
func isSet(value any) bool {
	switch v := value.(type) {
	case nil:
		return false
	case bool:
		return v
	case string:
		return !slices.Contains([]string{"", "no", "default", "all"}, v)
	}
	v := reflect.ValueOf(value)
	return v.Kind() == reflect.Slice && v.Len() > 0
}

// weakened returns the settings of a drop-in that change the restrictions of a service.
func weakened(text string) []string {
	var keys []string
	section := ""
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			section = line
		}
		key, _, ok := strings.Cut(line, "=")
		key = strings.TrimSpace(key)
		if !ok || section != "[Service]" || strings.HasPrefix(line, "#") || strings.HasPrefix(line, ";") {
			continue
		}
		of := func(begin string) bool { return strings.HasPrefix(key, begin) }
		if slices.ContainsFunc(hardening, of) && !slices.Contains(keys, key+"=") {
			keys = append(keys, key+"=")
		}
	}
	return keys
}

// rulePath is the path of the package's polkit rule.
const rulePath = "/usr/share/polkit-1/rules.d/50-left4me.rules"

// unitPath is the directory of units from packages.
const unitPath = "/usr/lib/systemd/system"

// startable lists the units that the polkit rule names.
var startable = []string{
	"left4me-install.service", "left4me-server@.service", "left4me-empty@.service", "left4me-unmount@.service",
	"left4me-build@.service",
}

// untemplated returns the units that the polkit rule names and whose files are missing. If the file
// exists, no transient unit can use the name.
func untemplated(read func(string) (string, error)) (missing []string) {
	for _, unit := range startable {
		if _, err := read(filepath.Join(unitPath, unit)); errors.Is(err, fs.ErrNotExist) {
			missing = append(missing, unit)
		}
	}
	return missing
}

// polkit checks whether the rule exists that lets left4me start its units, and whether polkit
// applies it to this user.
func polkit(cfg Config, read func(string) (string, error)) left4me.Check {
	const name = "polkit"
	if !cfg.Packaged {
		return left4me.NewCheck(left4me.CheckSkipped, name, "package.absent")
	}
	laid, err := fs.ReadFile(deploy.Files, "polkit/"+filepath.Base(rulePath))
	if err != nil {
		return left4me.NewCheck(left4me.CheckWarn, name, "polkit.unreadable", "reason", err)
	}
	text, err := read(rulePath)
	if missing := untemplated(read); len(missing) > 0 && !errors.Is(err, fs.ErrNotExist) {
		return left4me.NewCheck(left4me.CheckBroken, name, "polkit.unit_file_missing", "path", rulePath, "units",
			strings.Join(missing, ", "),
			"command", cfg.Reader.AsRoot("rm "+rulePath))
	}
	status := left4me.Commands("systemctl status polkit")
	switch hidden := errors.Is(err, fs.ErrPermission); {
	case os.Geteuid() != 0 && !cfg.isOwner() && cfg.Systemd != nil:
		return left4me.NewCheck(left4me.CheckSkipped, name, "polkit.not_tested",
			"command", cfg.Reader.AsRoot("runuser -u left4me -- left4me doctor"))
	case errors.Is(err, fs.ErrNotExist):
		return left4me.NewCheck(left4me.CheckBroken, name, "polkit.missing", "path", rulePath)
	case hidden && cfg.Systemd != nil: // Debian 12 lets only polkit read its rules
		return left4me.NewCheck(left4me.CheckBroken, name, "polkit.refused_unknown", "reason", left4me.ReasonOf(cfg.Systemd),
			"command", cfg.Reader.AsRoot("left4me doctor"), "status", status)
	case hidden:
	case err != nil:
		return left4me.NewCheck(left4me.CheckSkipped, name, "polkit.unreadable", "reason", err)
	case text != string(laid):
		return left4me.NewCheck(left4me.CheckWarn, name, "polkit.changed", "path", rulePath)
	case os.Geteuid() == 0:
		return left4me.NewCheck(left4me.CheckOK, name, "polkit.present", "command",
			left4me.Commands("runuser -u left4me -- left4me doctor"))
	case cfg.Systemd != nil:
		return left4me.NewCheck(left4me.CheckBroken, name, "polkit.refused", "reason", left4me.ReasonOf(cfg.Systemd), "command", status)
	}
	return left4me.NewCheck(left4me.CheckOK, name, "polkit.ok")
}
