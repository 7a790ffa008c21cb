// Package installation creates what SteamCMD would install: a synthetic Left 4 Dead 2 dedicated server,
// small but with the layout of the real one, and overlays for it.
//
// The same options produce the same bytes. The files contain no Valve content: maps and libraries
// contain noise, and the server is the simulator in package srcds. Directories have mode 0755, files
// 0644 and executables 0755; there are no symbolic links.
package installation

import (
	_ "embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
)

// Directories of the game below the root.
const (
	base   = "left4dead2"
	dlc1   = "left4dead2_dlc1"
	dlc2   = "left4dead2_dlc2"
	dlc3   = "left4dead2_dlc3"
	update = "update"
)

// Options are the options of an installation. The zero value is a complete installation without a
// server executable.
type Options struct {
	Files   int     // total number of files; 400 if 0, and never fewer than the game needs
	Seed    uint64  // seed of the file contents
	Scale   float64 // multiplies the file sizes; 1, about 2 MB in total, if 0
	Server  string  // path of the program installed as srcds_linux; none if empty
	Version string  // PatchVersion of steam.inf; "2.2.4.3" if empty
	BuildID int     // build ID in the app manifest; 15800000 if 0
}

//go:embed srcds_run.sh
var srcdsRun string

// Lay creates an installation in a directory, which is created if missing. It overwrites existing files
// of the installation and leaves others alone.
func Lay(dir string, o Options) error {
	if o.Files == 0 {
		o.Files = 400
	}
	if o.Scale == 0 {
		o.Scale = 1
	}
	if o.Version == "" {
		o.Version = "2.2.4.3"
	}
	if o.BuildID == 0 {
		o.BuildID = 15800000
	}
	l := newLayer(dir, o.Seed, o.Scale)
	l.write("srcds_run", 0o755, []byte(srcdsRun))
	l.server(o.Server)
	l.game(o)
	l.filler(o.Files - l.files - 1)
	l.manifest(o)
	return l.err
}

// layer writes files below a directory. After an error it does nothing.
type layer struct {
	dir   string
	rng   *rand.Rand
	scale float64
	files int
	bytes int64
	err   error
}

func newLayer(dir string, seed uint64, scale float64) *layer {
	return &layer{dir: dir, rng: rand.New(rand.NewPCG(seed, 0x222860)), scale: scale}
}

func (l *layer) write(name string, mode fs.FileMode, data []byte) {
	if l.err != nil {
		return
	}
	file := filepath.Join(l.dir, filepath.FromSlash(name))
	if l.err = makeDir(filepath.Dir(file)); l.err != nil {
		return
	}
	// Replace the file instead of writing into it: it may be a hard link to a file of another
	// installation.
	if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		l.err = err
		return
	}
	if l.err = os.WriteFile(file, data, mode); l.err == nil {
		l.err = os.Chmod(file, mode) // independent of the umask
	}
	l.files++
	l.bytes += int64(len(data))
}

func (l *layer) text(name, text string) { l.write(name, 0o644, []byte(text)) }

// makeDir creates a directory and its parents with mode 0755, independent of the umask.
func makeDir(dir string) error {
	if info, err := os.Stat(dir); err == nil && info.IsDir() {
		return nil
	}
	if err := makeDir(filepath.Dir(dir)); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return nil
		}
		return err
	}
	return os.Chmod(dir, 0o755)
}

// noise returns about n random bytes, before scaling.
func (l *layer) noise(n int) []byte {
	n = max(1, int(float64(n/2+l.rng.IntN(n))*l.scale))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(l.rng.Uint32())
	}
	return b
}

// server creates srcds_linux as a hard link to the program, or as a copy on another file system.
func (l *layer) server(program string) {
	if program == "" || l.err != nil {
		return
	}
	file := filepath.Join(l.dir, "srcds_linux")
	if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		l.err = err
		return
	}
	info, err := os.Stat(program)
	if err != nil {
		l.err = fmt.Errorf("the server: %w", err)
		return
	}
	l.files++
	l.bytes += info.Size()
	if info.Mode().Perm() == 0o755 && os.Link(program, file) == nil {
		return
	}
	from, err := os.Open(program)
	if err != nil {
		l.err = err
		return
	}
	defer from.Close()
	to, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o755)
	if err != nil {
		l.err = err
		return
	}
	_, err = io.Copy(to, from)
	l.err = errors.Join(err, to.Close(), os.Chmod(file, 0o755))
}

// game writes the files of the game itself.
func (l *layer) game(o Options) {
	l.text(base+"/steam.inf", fmt.Sprintf("PatchVersion=%s\nProductName=left4dead2\nappID=550\nServerAppID=222860\n"+
		"ServerVersion=%s\nSourceRevision=0\n", o.Version, strings.ReplaceAll(o.Version, ".", "")))
	l.text("steam_appid.txt", "550\n")
	l.text(base+"/gameinfo.txt", gameInfo)
	l.text(base+"/motd.txt", "A simulated server. Nobody can be hurt here.\n")
	l.text(base+"/host.txt", "left4me simulation\n")
	l.text(base+"/cfg/valve.rc", "exec autoexec.cfg\nstuffcmds\n")
	l.text(base+"/cfg/config_default.cfg", "// for clients\n")
	l.text(base+"/cfg/perftest.cfg", "// nothing to measure\n")
	for _, name := range []string{
		"engine_srv", "dedicated_srv", "datacache_srv", "filesystem_stdio", "libtier0_srv", "libvstdlib_srv",
		"materialsystem_srv", "scenefilecache", "shaderapiempty_srv", "soundemittersystem_srv", "steamclient",
		"studiorender_srv", "vphysics_srv", "vscript_srv",
	} {
		l.write("bin/"+name+".so", 0o644, append([]byte("\x7fELF\x01\x01\x01"), l.noise(4000)...))
	}
	for _, dir := range []string{base, dlc1, dlc2, dlc3} {
		l.write(dir+"/bin/server_srv.so", 0o644, append([]byte("\x7fELF\x01\x01\x01"), l.noise(9000)...))
	}
	for i, c := range official {
		for _, name := range c.maps {
			l.write(c.dir+"/maps/"+name+".bsp", 0o644, l.bsp())
			l.write(c.dir+"/maps/"+name+".nav", 0o644, append([]byte("\xce\xfa\xed\xfe"), l.noise(1500)...))
		}
		l.text(fmt.Sprintf("%s/missions/campaign%d.txt", c.dir, i+1),
			c.mission("coop", "versus", "survival", "scavenge", "realism"))
	}
	for _, dir := range []string{base, dlc1, dlc2, dlc3, update} {
		l.pack(dir + "/pak01_dir.vpk")
	}
	l.text(base+"/addons/readme.txt", "Files with the ending .vpk in this directory are add-ons.\n")
}

// bsp returns bytes that begin like a map file.
func (l *layer) bsp() []byte { return append([]byte("VBSP\x15\x00\x00\x00"), l.noise(8000)...) }

func (l *layer) pack(name string) {
	var files []PackFile
	for i := range 12 {
		files = append(files, PackFile{
			Name:    fmt.Sprintf("%s/%s%02d.%s", l.word("materials", "models", "scripts"), l.noun(), i, l.word("vmt", "mdl", "txt")),
			Data:    l.noise(600),
			Preload: l.rng.IntN(2) * 40,
		})
	}
	files = append(files, PackFile{Name: "resource/readme", Data: []byte("nothing of this is real\n")})
	l.packFile(name, files)
}

func (l *layer) packFile(name string, files []PackFile) {
	var b strings.Builder
	if err := WritePack(&b, files); err != nil && l.err == nil {
		l.err = err
	}
	l.write(name, 0o644, []byte(b.String()))
}

func (l *layer) word(words ...string) string { return words[l.rng.IntN(len(words))] }

func (l *layer) noun() string {
	return l.word("barrel", "fence", "lamp", "sofa", "truck", "crate", "door", "pipe", "sign", "tree", "wheel", "window")
}

// filler writes n files without a purpose.
func (l *layer) filler(n int) {
	kinds := []struct{ dir, ext string }{
		{"materials", "vmt"},
		{"materials", "vtf"},
		{"models", "mdl"},
		{"models", "vvd"},
		{"sound", "wav"},
		{"scripts", "txt"},
		{"resource", "res"},
		{"scenes", "vcd"},
		{"particles", "pcf"},
	}
	for i := range max(n, 0) {
		k := kinds[l.rng.IntN(len(kinds))]
		dir := l.word(base, base, base, dlc1, dlc2, dlc3, update)
		l.write(fmt.Sprintf("%s/%s/%s/%s%04d.%s", dir, k.dir, l.noun(), l.noun(), i, k.ext), 0o644, l.noise(3000))
	}
}

// manifest writes the app manifest, in which Steam records what is installed.
func (l *layer) manifest(o Options) {
	l.text("steamapps/appmanifest_222860.acf", fmt.Sprintf(`"AppState"
{
	"appid"		"222860"
	"Universe"		"1"
	"name"		"Left 4 Dead 2 Dedicated Server"
	"StateFlags"		"4"
	"installdir"		"Left 4 Dead 2 Dedicated Server"
	"LastUpdated"		"1764000000"
	"SizeOnDisk"		"%d"
	"StagingSize"		"0"
	"buildid"		"%d"
	"LastOwner"		"0"
	"TargetBuildID"		"%d"
	"InstalledDepots"
	{
		"222861"
		{
			"manifest"		"%d"
			"size"		"%d"
		}
	}
	"UserConfig"
	{
		"BetaKey"		"public"
	}
}
`, l.bytes, o.BuildID, o.BuildID, 1000000000000000000+o.Seed%1000000000, l.bytes))
}

const gameInfo = `"GameInfo"
{
	game	"Left 4 Dead 2"
	type	multiplayer_only
	FileSystem
	{
		SteamAppId	550
		ToolsAppId	563
		SearchPaths
		{
			Game	update
			Game	left4dead2_dlc3
			Game	left4dead2_dlc2
			Game	left4dead2_dlc1
			Game	|gameinfo_path|.
			Game	hl2
		}
	}
}
`
