package main

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/left4me/left4me/internal/cli/output"
	"github.com/left4me/left4me/internal/host/diagnosis/remedy"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/store"
)

const (
	bundleJobs    = 50  // newest first
	bundleCrashes = 10  // crashes per server
	bundleLog     = 500 // lines of left4me's log
	bundleUnitLog = 100 // lines per unit
	// bundleWithin limits the time to gather a bundle. A file that is not ready by then says so
	// instead, because a host that needs a bundle may be one on which nothing responds.
	bundleWithin = 5 * time.Second
	// bundleAskWithin limits queries to other programs, leaving time to report that none answered.
	bundleAskWithin = bundleWithin - 500*time.Millisecond
	// bundleSettingsWithin limits the reading of the settings, which most other files depend on.
	bundleSettingsWithin = time.Second
	bundleMost           = 4 << 20  // bytes of a program's output; the end is kept
	bundleUnitMost       = 64 << 10 // bytes of a unit's log; the end is kept
	bundleAtOnce         = 8        // unit logs read concurrently
)

const bundleReadme = `This is a debug bundle of left4me, for a bug report. left4me did not send it
anywhere. Check the files before you share them.

doctor.txt    results of left4me doctor
versions.txt  versions of left4me, the system and the database
settings.txt  settings from the environment and the settings file; other values are hidden
servers.json  servers, blueprints and overlays: names, ports and the names of their settings
jobs.json     recent jobs, without their output
crashes.json  recent crashes of each server
log.txt       warnings and errors from left4me's log, newest last
units.txt     left4me's units
units-log.txt recent journal lines of each unit except left4me's own

The bundle contains names of servers, overlays and users, and addresses from the log.
It contains no passwords, tokens, keys, cfg lines, server arguments or scripts. Where
another text quotes one, it is hidden. left4me identifies them from the database, the
settings and the servers' files with passwords. If one of these cannot be read in
time, logs, jobs and crashes are omitted and name the reason. The results of doctor
are omitted, too, unless only the database could not be read.

A file that was not available within 5 seconds contains a note instead.
`

func debugCommand() *cobra.Command {
	c := &cobra.Command{Use: "debug", Short: "Collect information for a bug report", Args: noArguments}
	bundle := &cobra.Command{
		Use: "bundle", Short: "Write an archive for a bug report, without passwords", Args: noArguments,
		Long: "Write an archive (tar.gz) with information for a bug report: results of doctor,\n" +
			"versions, settings, recent jobs and crashes, warnings and errors from the log, and\n" +
			"states and logs of units. It contains no passwords, tokens, cfg lines or scripts,\n" +
			"and is not sent anywhere. Texts that may contain a password which cannot be\n" +
			"identified are omitted. It takes at most 5 seconds. Run it as root or as left4me's\n" +
			"user; left4me does not need to be running.",
	}
	getenv := addSettings(bundle)
	file := bundle.Flags().String("env-file", packagedEnv, "file with settings that are not in the environment")
	to := bundle.Flags().StringP("output", "o", "", "file to write (default left4me-debug-TIME.tar.gz); - for standard output")
	bundle.RunE = func(c *cobra.Command, _ []string) error {
		now := time.Now()
		name := *to
		if name == "" {
			name = "left4me-debug-" + now.UTC().Format("20060102T150405Z") + ".tar.gz"
		}
		if name == "-" {
			return writeBundle(c.OutOrStdout(), gather(c.Context(), getenv, *file), now)
		}
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return err
		}
		entries := gather(c.Context(), getenv, *file)
		if err := errors.Join(writeBundle(f, entries, now), f.Close()); err != nil {
			return errors.Join(err, os.Remove(name))
		}
		fmt.Fprintf(c.OutOrStdout(), "wrote %s, which contains:\n\n", name)
		for _, e := range entries {
			fmt.Fprintf(c.OutOrStdout(), "  %s\n", e.name)
		}
		_, err = fmt.Fprintln(c.OutOrStdout(),
			"\nNothing was sent anywhere. README.txt in the archive describes the files. Check them\n"+
				"before you attach the archive to a bug report.")
		return err
	}
	c.AddCommand(bundle)
	return c
}

// entry is a file of a bundle.
type entry struct{ name, text string }

// writeBundle packs the entries. The files in the archive are readable only by their owner.
func writeBundle(w io.Writer, entries []entry, now time.Time) error {
	z := gzip.NewWriter(w)
	t := tar.NewWriter(z)
	for _, e := range entries {
		err := t.WriteHeader(&tar.Header{Name: "left4me-debug/" + e.name, Mode: 0o600, Size: int64(len(e.text)), ModTime: now})
		if err == nil {
			_, err = io.WriteString(t, e.text)
		}
		if err != nil {
			return err
		}
	}
	return errors.Join(t.Close(), z.Close())
}

// omitted returns the text that replaces a file in which unknown cfg lines, scripts or passwords could
// not be hidden, with the reason.
func omitted(why error) string {
	return "omitted, because left4me cannot determine which texts are secret:\n" + why.Error() +
		"\nFix this, or read the journal yourself and send the lines that contain no secrets.\n"
}

// bundleSettings are the settings used to create a bundle.
type bundleSettings struct {
	settings
	err error // error of reading them; the directories are known in any case
}

func readBundleSettings(getenv func(string) string, file string) (s bundleSettings) {
	all := fromFile(getenv, file)
	if s.settings, s.err = readSettings(all); s.err != nil { // doctor reports it, too
		s.root, s.run, _ = directories(all)
		s.keyFile = all("LEFT4ME_SECRET_KEY_FILE")
	}
	s.envFile, s.reader = file, remedy.Here()
	return s
}

// gather creates the entries. An entry that cannot be read contains the error instead.
func gather(ctx context.Context, getenv func(string) string, file string) []entry {
	limit, cancel := context.WithTimeout(ctx, bundleWithin)
	defer cancel()
	ctx, cancelAsking := context.WithTimeout(ctx, bundleAskWithin)
	defer cancelAsking()
	log := begin(limit, func() string { return journal(ctx, bundleLog, "left4me.service", "--priority=warning") })
	units := begin(limit, func() string { return unitStates(ctx) })
	shown := begin(limit, func() string { return settingsText(getenv, file) })
	s, settingsErr := settingsInTime(limit, getenv, file)
	found := begin(limit, func() string { return doctorText(ctx, s.settings, s.err) })
	system := begin(limit, func() string { return versions(ctx, s.settings) })
	database := begin(limit, func() *rows { return inspect(ctx, s.settings) })
	own := begin(limit, func() ownSecrets { return secretsOf(s.settings, file) })

	rows, read := database()
	if !read {
		rows = unreadable(fmt.Errorf("the database could not be read within %s", bundleWithin))
	}
	ours, read := own()
	if !read {
		ours.err = fmt.Errorf("the files with passwords could not be read within %s", bundleWithin)
	}
	secrets := ours.hiding
	secrets.join(rows.secrets)
	ownErr := errors.Join(settingsErr, ours.err)
	unknown := errors.Join(ownErr, rows.err)
	logs := ""
	if unknown == nil {
		logs = textOrTimeout(begin(limit, func() string { return unitLogs(ctx, rows.units) }))
	}
	// unless returns the text, or the reason for leaving it out if it may contain unknown secrets.
	unless := func(unknown error, text string) string {
		if unknown != nil {
			return omitted(unknown)
		}
		return text
	}
	unlessJSON := func(text string) string {
		if unknown != nil {
			return asJSON(nil, errors.New(strings.TrimSpace(omitted(unknown))))
		}
		return text
	}
	entries := []entry{
		{"doctor.txt", unless(ownErr, textOrTimeout(found))},
		{"versions.txt", textOrTimeout(system)},
		{"settings.txt", textOrTimeout(shown)},
		{"servers.json", rows.servers},
		{"jobs.json", unlessJSON(rows.jobs)},
		{"crashes.json", unlessJSON(rows.crashes)},
		{"log.txt", unless(unknown, textOrTimeout(log))},
		{"units.txt", textOrTimeout(units)},
		{"units-log.txt", unless(unknown, logs)},
	}
	for i := range entries {
		entries[i].text = secrets.hide(entries[i].text)
		if strings.HasSuffix(entries[i].name, ".txt") { // JSON files were masked before encoding
			entries[i].text = left4me.HideSecrets(entries[i].text)
		}
	}
	return append([]entry{{"README.txt", bundleReadme}}, entries...)
}

// settingsInTime returns the settings. If reading them times out, it returns the directories according
// to the environment alone and an error, because the secrets in the settings are then unknown.
func settingsInTime(limit context.Context, getenv func(string) string, file string) (bundleSettings, error) {
	ctx, cancel := context.WithTimeout(limit, bundleSettingsWithin)
	defer cancel()
	if s, ok := begin(ctx, func() bundleSettings { return readBundleSettings(getenv, file) })(); ok {
		return s, nil
	}
	s := bundleSettings{err: fmt.Errorf("the settings could not be read within %s", bundleSettingsWithin)}
	s.root, s.run, _ = directories(getenv)
	s.envFile = file
	return s, s.err
}

// begin runs find concurrently. wait returns its result, or false after the time limit. Work that
// cannot be interrupted, such as reading from a failed disk, is abandoned.
func begin[T any](limit context.Context, find func() T) (wait func() (T, bool)) {
	found := make(chan T, 1)
	go func() { found <- find() }()
	return func() (T, bool) {
		select {
		case v := <-found:
			return v, true
		case <-limit.Done():
		}
		select { // prefer a result that arrived before the limit
		case v := <-found:
			return v, true
		default:
			var none T
			return none, false
		}
	}
}

// textOrTimeout returns the result, or a note that it timed out.
func textOrTimeout(wait func() (string, bool)) string {
	text, ok := wait()
	if !ok {
		return fmt.Sprintf("not available within %s\n", bundleWithin)
	}
	return text
}

func doctorText(ctx context.Context, s settings, settingsErr error) string {
	var checks []left4me.Check
	if settingsErr != nil {
		checks = append(checks, settingsCheck(settingsErr))
	} else {
		checks = checkMachine(ctx, s)
	}
	var b strings.Builder
	output.WriteChecks(&b, checks)
	return b.String() + summary(checks) + "\n"
}

func versions(ctx context.Context, s settings) string {
	schema, err := store.SchemaOf(filepath.Join(s.root, databaseName))
	have := fmt.Sprint(schema)
	if err != nil {
		have = err.Error()
	}
	system, err := os.ReadFile("/etc/os-release")
	if err != nil {
		system = []byte(err.Error() + "\n")
	}
	return fmt.Sprintf("left4me %s\n%s %s/%s\ndatabase schema: %s; schema of this program: %d\n\n%s\n%s\n%s", programVersion(),
		runtime.Version(), runtime.GOOS, runtime.GOARCH, have, store.Schema(),
		printedBy(ctx, bundleMost, "uname", "-srvm"), printedBy(ctx, bundleMost, "systemctl", "--version"), system)
}

// shownSettings returns the names of the settings without secrets, whose values may be shown.
func shownSettings() (names []string) {
	for _, s := range flagSettings {
		names = append(names, s.env)
	}
	return append(names, "LEFT4ME_STEAMCMD")
}

// shown reports whether the value of a setting may be shown. A URL with a password may not.
func shown(name, value string) bool {
	return slices.Contains(shownSettings(), name) && !strings.Contains(value, "@")
}

// settingsText lists the environment and the settings file, with the values of settings that may be
// shown.
func settingsText(getenv func(string) string, file string) string {
	var b strings.Builder
	show := func(name, value string) {
		if !shown(name, value) {
			value = "(hidden)"
		}
		fmt.Fprintf(&b, "%s=%s\n", name, value)
	}
	b.WriteString("# environment and flags of this command\n")
	for _, name := range namesOf(os.Environ()) {
		show(name, getenv(name))
	}
	for _, s := range flagSettings {
		if v := getenv(s.env); v != "" && os.Getenv(s.env) == "" {
			show(s.env, v)
		}
	}
	fmt.Fprintf(&b, "\n# %s, without comments\n", file)
	text, err := os.ReadFile(file)
	if err != nil {
		fmt.Fprintf(&b, "%v\n", err)
	}
	for _, name := range namesOf(strings.Split(string(text), "\n")) {
		show(name, settingIn(string(text), name))
	}
	return b.String()
}

// namesOf returns the names of left4me's settings in lines NAME=VALUE.
func namesOf(lines []string) (names []string) {
	for _, l := range lines {
		if name, _, ok := strings.Cut(strings.TrimSpace(l), "="); ok && strings.HasPrefix(name, "LEFT4ME_") {
			names = append(names, strings.TrimSpace(name))
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// rows contains the data from the database as JSON.
type rows struct {
	servers, jobs, crashes string
	units                  []left4me.Name // names of the servers in unit names
	secrets                hiding         // private texts from the database
	err                    error          // why the data is incomplete
}

// unreadable returns the rows of a database that cannot be read.
func unreadable(err error) *rows {
	why := asJSON(nil, err)
	return &rows{servers: why, jobs: why, crashes: why, err: err}
}

// inspect reads the database.
func inspect(ctx context.Context, s settings) *rows {
	db, err := store.Inspect(ctx, filepath.Join(s.root, databaseName))
	if err != nil {
		return unreadable(err)
	}
	defer db.Close()
	var r rows
	secrets := &r.secrets
	servers, err := db.Servers().List(ctx)
	blueprints, berr := db.Blueprints().List(ctx)
	overlays, oerr := db.Overlays().List(ctx)
	type definition struct {
		Name      left4me.Name         `json:"name"`
		Port      int                  `json:"port,omitempty"`
		Kind      left4me.OverlayKind  `json:"kind,omitempty"`
		Blueprint left4me.Name         `json:"blueprint,omitempty"`
		Overlays  []left4me.OverlayRef `json:"overlays,omitempty"`
		Wanted    left4me.Wanted       `json:"wanted,omitempty"`
		Settings  *left4me.Settings    `json:"settings,omitempty"`
		Cfg       int                  `json:"cfg_lines,omitempty"`
		Args      int                  `json:"arguments,omitempty"`
	}
	public := func(v left4me.Settings) *left4me.Settings {
		secrets.settings(v)
		v.Password, v.Cfg, v.Args = "", nil, nil
		v.Motd, v.HostText, v.Banner = "", "", ""
		return &v
	}
	var all struct {
		Servers    []definition `json:"servers"`
		Blueprints []definition `json:"blueprints"`
		Overlays   []definition `json:"overlays"`
	}
	for _, v := range servers {
		all.Servers = append(all.Servers, definition{
			Name: v.Name, Port: v.Port, Blueprint: v.Blueprint, Overlays: v.Overlays, Wanted: v.Wanted,
			Settings: public(v.Settings), Cfg: len(v.Settings.Cfg), Args: len(v.Settings.Args),
		})
		r.units = append(r.units, v.Name)
		if v.OnHost() != v.Name { // the units have the old name until the next start
			r.units = append(r.units, v.OnHost())
		}
	}
	for _, v := range blueprints {
		all.Blueprints = append(all.Blueprints, definition{
			Name: v.Name, Overlays: v.Overlays, Settings: public(v.Settings), Cfg: len(v.Settings.Cfg), Args: len(v.Settings.Args),
		})
	}
	for _, v := range overlays {
		secrets.overlay(v.Overlay)
		older, serr := db.Overlays().Scripts(ctx, v.Name) // jobs may have logged lines of old scripts
		for _, script := range older {
			secrets.script(script.Text)
		}
		oerr = errors.Join(oerr, serr)
		all.Overlays = append(all.Overlays, definition{Name: v.Name, Kind: v.Kind, Cfg: len(v.Cfg)})
	}
	err = errors.Join(err, berr, oerr)
	r.servers, r.err = asJSON(all, err), err

	jobs, err := db.Jobs().List(ctx, "", "", "", bundleJobs)
	masked := make([]left4me.Job, len(jobs))
	for i, j := range jobs {
		masked[i] = j.Job.Public()
		masked[i].By, masked[i].Log = left4me.Actor{}, nil
	}
	r.jobs = asJSON(masked, err)

	type crash struct {
		Server left4me.Name `json:"server"`
		At     time.Time    `json:"at"`
		Exit   string       `json:"exit"`
		Uptime string       `json:"uptime"`
		Lines  []string     `json:"lines"`
	}
	var crashes []crash
	for _, v := range servers {
		some, cerr := db.Crashes().List(ctx, v.Name, bundleCrashes)
		for _, c := range some {
			crashes = append(crashes, crash{c.Server, c.At, c.Exit, c.Uptime.String(), left4me.HideLines(c.Lines)})
		}
		err = errors.Join(err, cerr)
	}
	r.crashes = asJSON(crashes, err)
	return &r
}

func asJSON(v any, err error) string {
	if err != nil {
		v = map[string]any{"error": err.Error(), "read": v}
	}
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return err.Error()
	}
	return b.String()
}
