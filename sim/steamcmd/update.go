package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/left4me/left4me/source/vdf"
)

// Bits of the states that are printed (EAppUpdateState) and of those in the manifest (EAppState).
const (
	reconfiguring = 0x3
	verifying     = 0x5
	preallocating = 0x11
	downloading   = 0x61
	checking      = 0x81
	committing    = 0x101

	required  = 0x2
	installed = 0x4
	paused    = 0x200
	started   = 0x400
)

// work is a running app_update.
type work struct {
	*session
	platform string
	want     []entry
	have     map[string]bool // names of the files of the installed build

	done, total int64
	phase       int
	printed     time.Time
	began       time.Time
	paid        int64 // bytes charged against the download rate
}

// stopped is the error of an update that ended in a state.
type stopped struct{ state int }

func (e stopped) Error() string { return fmt.Sprintf("state is 0x%x", e.state) }

// appUpdate implements app_update.
func (s *session) appUpdate(app string, validate bool) int {
	if why := s.denied(app); why != "" {
		s.out.line("ERROR! Failed to install app '%s' (%s)", app, why)
		s.log("update canceled: %s", why)
		return exitUpdate
	}
	err := s.install(validate)
	var stop stopped
	switch {
	case errors.As(err, &stop):
		s.out.line("Error! App '%s' state is 0x%x after update job.", app, stop.state)
		return exitUpdate
	case err != nil:
		s.log("update failed: %v", err)
		s.out.line("Error! App '%s' state is 0x%x after update job.", app, required|paused)
		return exitUpdate
	}
	return exitOK
}

// denied returns why the app cannot be installed, or "".
func (s *session) denied(app string) string {
	switch {
	case !s.loggedIn:
		return "No connection"
	case app != gameApp:
		return "No subscription"
	case s.hasFault("reason"):
		return s.detail
	case s.hasFault("stale-cache") && s.old:
		return "Missing configuration"
	case s.hasFault("appinfo"):
		return "Missing configuration"
	}
	if s.dir == "" {
		s.dir = filepath.Join(s.home, "steamapps", "common", "Left 4 Dead 2 Dedicated Server")
	}
	if s.forPlatform() == "linux" && !s.owns && !s.anonymous && !exists(s.manifest()) {
		return "Invalid platform"
	}
	return ""
}

func (s *session) forPlatform() string {
	if p := strings.ToLower(s.vars["@ssteamcmdforceplatformtype"]); p != "" {
		return p
	}
	return "linux"
}

func (s *session) manifest() string {
	return filepath.Join(s.dir, "steamapps", "appmanifest_"+gameApp+".acf")
}

func (s *session) staging() string {
	return filepath.Join(s.dir, "steamapps", "downloading", gameApp)
}

// install does the work of app_update.
func (s *session) install(validate bool) error {
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		return err
	}
	scratch := filepath.Join(cmp.Or(s.scratch, s.home), "sim-depot")
	defer os.RemoveAll(scratch)
	if err := errors.Join(os.RemoveAll(scratch), os.MkdirAll(scratch, 0o755)); err != nil {
		return err
	}
	w := &work{session: s, platform: s.forPlatform(), began: time.Now()}
	var err error
	if w.want, err = s.depot(filepath.Join(scratch, "new"), w.platform, s.build); err != nil {
		return err
	}
	state, build, platform := s.readManifest()
	w.progress(reconfiguring)
	needed, err := w.compare(filepath.Join(scratch, "old"), validate, state, build, platform)
	if err != nil {
		return err
	}
	if len(needed) == 0 && state == installed && build == s.build && platform == w.platform {
		s.out.line("Success! App '%s' already up to date.", gameApp)
		return nil
	}
	if err := w.downloadAndInstall(needed, build); err != nil {
		return err
	}
	if s.hasFault("lie") {
		_ = os.Remove(filepath.Join(s.dir, "srcds_run"))
	}
	s.log("fully installed, build %d", s.buildID())
	s.out.line("Success! App '%s' fully installed.", gameApp)
	return nil
}

// compare returns the files that must be downloaded. Without validate it trusts the manifest.
func (w *work) compare(scratch string, validate bool, state, build int, platform string) ([]entry, error) {
	w.have = map[string]bool{}
	trusted := map[string]entry{}
	if build > 0 {
		old, err := w.depot(scratch, platform, build)
		if err != nil {
			return nil, err
		}
		for _, e := range old {
			w.have[e.name] = true
			if state == installed && !validate {
				trusted[e.name] = e
			}
		}
	}
	var needed []entry
	w.enter(verifying, sizeOf(w.want))
	for _, e := range w.want {
		old, known := trusted[e.name]
		fine := known && e.same(old)
		if len(trusted) == 0 {
			fine = e.isThere(filepath.Join(w.dir, e.name), true)
		}
		if !fine {
			needed = append(needed, e)
		}
		w.add(e.size)
	}
	return needed, nil
}

func sizeOf(all []entry) (n int64) {
	for _, e := range all {
		n += e.size
	}
	return n
}

// downloadAndInstall downloads the needed files to the staging directory and moves them into the installation.
func (w *work) downloadAndInstall(needed []entry, build int) error {
	w.writeManifest(required|started, build, 0)
	w.enter(preallocating, sizeOf(needed))
	w.add(w.total)
	if err := w.download(needed); err != nil {
		return w.stop(err, build)
	}
	w.enter(checking, sizeOf(needed))
	w.add(w.total)
	w.enter(committing, sizeOf(needed))
	for _, e := range needed {
		to := filepath.Join(w.dir, e.name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(to), 0o755), os.Rename(filepath.Join(w.staging(), e.name), to)); err != nil {
			return w.stop(err, build)
		}
		w.add(e.size)
	}
	for _, e := range w.want {
		delete(w.have, e.name)
	}
	for name := range w.have {
		if err := os.Remove(filepath.Join(w.dir, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return w.stop(err, build)
		}
	}
	if err := os.RemoveAll(filepath.Dir(w.staging())); err != nil {
		return w.stop(err, build)
	}
	if w.hasFault("damaged") && !exists(filepath.Join(w.home, "sim-damaged")) {
		_ = writeFile(filepath.Join(w.home, "sim-damaged"), nil)
		_ = os.WriteFile(filepath.Join(w.dir, "left4dead2", "gameinfo.txt"), []byte("damaged"), 0o644)
		w.writeManifest(0x6a6, w.build, sizeOf(w.want))
		return stopped{0x6a6}
	}
	return w.writeManifest(installed, w.build, sizeOf(w.want))
}

// stop records in the manifest that an update has ended early.
func (w *work) stop(err error, build int) error {
	state := required | paused
	var s stopped
	if errors.As(err, &s) {
		state = s.state
	}
	w.writeManifest(state, build, 0)
	return err
}

// download writes files to the staging directory. It keeps complete files of an earlier run and
// restarts others.
func (w *work) download(needed []entry) error {
	w.enter(downloading, sizeOf(needed))
	for _, e := range needed {
		to := filepath.Join(w.staging(), e.name)
		if e.isThere(to, true) {
			w.add(e.size)
			continue
		}
		if err := e.write(to, w.paced); err != nil {
			return err
		}
	}
	return nil
}

// paced counts downloaded bytes, waits according to the download rate, and triggers the simulated
// failure.
func (w *work) paced(n int) error {
	w.paid += int64(n)
	if w.rate > 0 {
		due := w.began.Add(time.Duration(float64(w.paid) / float64(w.rate) * float64(time.Second)))
		for wait := time.Until(due); wait > 0; wait = time.Until(due) {
			time.Sleep(min(wait, w.tick))
			w.progressIfDue()
		}
	}
	w.add(int64(n))
	if w.at >= 0 && w.total > 0 && w.done*100/w.total >= int64(w.at) {
		w.triggerFault()
		if w.hasFault("state") {
			state, _ := strconv.ParseInt(w.detail, 0, 32)
			return stopped{int(state)}
		}
	}
	return nil
}

func (w *work) enter(phase int, total int64) {
	w.done, w.total = 0, total
	w.progress(phase)
}

func (w *work) add(n int64) {
	w.done += n
	if w.done == w.total {
		w.progress(w.phase)
	}
	w.progressIfDue()
}

func (w *work) progressIfDue() {
	if time.Since(w.printed) >= w.tick {
		w.progress(w.phase)
	}
}

var phases = map[int]string{
	reconfiguring: "reconfiguring", verifying: "verifying install", preallocating: "preallocating",
	downloading: "downloading", checking: "verifying update", committing: "committing",
}

func (w *work) progress(phase int) {
	w.phase, w.printed = phase, time.Now()
	percent := 0.0
	if w.total > 0 {
		percent = float64(w.done) * 100 / float64(w.total)
	}
	w.out.line(" Update state (0x%x) %s, progress: %.2f (%d / %d)", phase, phases[phase], percent, w.done, w.total)
}

// readManifest reads the installed state, the build counted from the first one, and the platform.
func (s *session) readManifest() (state, build int, platform string) {
	b, err := os.ReadFile(s.manifest())
	if err != nil {
		return 0, 0, ""
	}
	root, err := vdf.Parse(b, vdf.Options{Escapes: true})
	if err != nil {
		return 0, 0, ""
	}
	app := root.Get("AppState")
	state, _ = strconv.Atoi(app.Text("StateFlags"))
	build, _ = strconv.Atoi(app.Text("buildid"))
	platform = "linux"
	if app.Get("InstalledDepots", "222862") != nil {
		platform = "windows"
	}
	return state, max(0, build-firstBuild), platform
}

// writeManifest records the installed state in the manifest.
func (w *work) writeManifest(state, build int, size int64) error {
	depot := "222863"
	if w.platform == "windows" {
		depot = "222862"
	}
	buildID := 0
	if build > 0 {
		buildID = firstBuild + build
	}
	text := fmt.Sprintf(`"AppState"
{
	"appid"		"222860"
	"Universe"		"1"
	"name"		"Left 4 Dead 2 Dedicated Server"
	"StateFlags"		"%d"
	"installdir"		"Left 4 Dead 2 Dedicated Server"
	"LastUpdated"		"%d"
	"SizeOnDisk"		"%d"
	"StagingSize"		"0"
	"buildid"		"%d"
	"LastOwner"		"0"
	"TargetBuildID"		"%d"
	"BytesToDownload"		"%d"
	"BytesDownloaded"		"%d"
	"InstalledDepots"
	{
		"222861"
		{
			"manifest"		"%d"
			"size"		"%d"
		}
		"%s"
		{
			"manifest"		"%d"
			"size"		"9000"
		}
	}
	"UserConfig"
	{
		"BetaKey"		"public"
	}
}
`, state, time.Now().Unix(), size, buildID, w.buildID(), w.total, w.done, 1000000000000000000+w.build, size, depot,
		2000000000000000000+w.build)
	return writeFile(w.manifest(), []byte(text))
}
