package place

import (
	"path"
	"strings"

	"github.com/left4me/left4me/internal/left4me"
)

// kind is the type of a file, determined by its name.
type kind uint8

const (
	unknown   kind = iota
	junk           // files of operating systems, editors and version control
	people         // documentation: texts, pictures, documents
	source         // .sp
	include        // .inc
	plugin         // .smx, including disabled ones
	phrases        // .phrases.txt
	text           // .txt
	config         // .cfg
	settings       // .ini
	vdfFile        // .vdf
	program        // .so
	extension      // .ext.so, .autoload
	windows        // .dll, .exe and other Windows files
	pack           // .vpk
	mapFile        // .bsp, .nav and other files of a map
	vscript        // .nut
	material       // .vmt, .vtf
	model          // .mdl and other files of a model
	sound          // .wav, .mp3
	particle       // .pcf
	scene          // .vcd, .image, .vfe
	resource       // .res, .ttf
	video          // .bik
	geo            // .mmdb
	database       // .sql
	logFile        // .log
	code           // source code and configuration of other programs
	packed         // archives
	demo           // .dem
	kinds
)

var byExt = map[string]kind{
	".sp": source, ".inc": include, ".smx": plugin, ".txt": text, ".cfg": config, ".ini": settings, ".vdf": vdfFile, ".so": program,
	".autoload": extension,
	".dll":      windows, ".pdb": windows, ".exe": windows, ".bat": windows, ".ps1": windows, ".lnk": windows, ".lib": windows,
	".cmd": windows, ".vbs": windows,
	".vpk": pack, ".bsp": mapFile, ".nav": mapFile, ".lmp": mapFile, ".ain": mapFile, ".nut": vscript, ".nuc": vscript,
	".vmt": material, ".vtf": material, ".mdl": model, ".vvd": model, ".vtx": model, ".phy": model, ".ani": model, ".wav": sound,
	".mp3": sound, ".pcf": particle,
	".vcd": scene, ".image": scene, ".vfe": scene, ".res": resource, ".bik": video, ".mmdb": geo, ".sql": database, ".log": logFile,
	".dem": demo,
	".md":  people, ".url": people, ".html": people, ".htm": people, ".jpg": people, ".jpeg": people, ".png": people, ".gif": people,
	".webp": people, ".bmp": people, ".svg": people,
	".pdf": people, ".doc": people, ".docx": people, ".rtf": people, ".nfo": people, ".sfv": people, ".md5": people, ".sha256": people,
	".mp4": people, ".webm": people, ".psd": people,
	".xls": people, ".xlsx": people, ".csv": people, ".ico": people, ".rst": people, ".diff": people, ".patch": people,
	".c": code, ".cpp": code, ".cc": code, ".h": code, ".hpp": code, ".cs": code, ".go": code, ".js": code, ".ts": code, ".jsx": code,
	".tsx": code, ".vue": code, ".css": code, ".scss": code,
	".php": code, ".phar": code, ".tpl": code, ".py": code, ".sh": code, ".rb": code, ".rs": code, ".java": code, ".lua": code,
	".asm": code, ".json": code, ".yml": code, ".yaml": code,
	".toml": code, ".xml": code, ".vmf": code, ".vmx": code, ".qc": code, ".smd": code, ".ambuild": code, ".sln": code, ".vcxproj": code,
	".csproj": code, ".mod": code, ".sum": code,
	".lock": code, ".map": code, ".env": code, ".tf": code, ".j2": code, ".service": code, ".filters": code, ".gradle": code,
	".properties": code, ".ipynb": code, ".fgd": code,
	".zip": packed, ".7z": packed, ".rar": packed, ".gz": packed, ".bz2": packed, ".xz": packed, ".tgz": packed, ".tar": packed,
	".zst": packed, ".001": packed,
}

// switchedOff lists suffixes that people append to disable a file.
var switchedOff = []string{".disabled", ".disable", ".off", ".bak", ".old", ".backup"}

// kindOf returns the kind of a file by its lower-case name.
func kindOf(base string) kind {
	for _, off := range switchedOff {
		if cut, ok := strings.CutSuffix(base, off); ok {
			if k := kindOf(cut); k == plugin || k == extension || k == pack {
				return k
			}
		}
	}
	switch {
	case strings.HasSuffix(base, ".phrases.txt"):
		return phrases
	case isReadme(base):
		return people
	case strings.HasSuffix(base, ".ext.so"), strings.Contains(base, ".ext.") && strings.HasSuffix(base, ".so"):
		return extension
	}
	ext := path.Ext(base)
	k, ok := byExt[ext]
	switch {
	case !ok &&
		(base == "makefile" || base == "dockerfile" || base == "ambuildscript" || base == "ambuilder" || base == "packagescript" ||
			base == "jenkinsfile"):
		return code
	case k == packed && (ext == ".gz" || ext == ".bz2"):
		// A compressed download for players has the kind of its content.
		if inner := kindOf(strings.TrimSuffix(base, ext)); inner >= mapFile && inner <= video {
			return inner
		}
	case k == text && (base == "cmakelists.txt" || base == "requirements.txt"):
		return code
	}
	return k
}

// needsHead reports whether the beginning of a file affects its placing if no directory determines it.
func (k kind) needsHead() bool {
	switch k {
	case text, config, settings, vdfFile, program, extension:
		return true
	}
	return false
}

// mayBePluginData reports whether a file may be data of a plugin, so that only its plugin knows where it
// belongs.
func (k kind) mayBePluginData() bool { return k == text || k == config || k == settings }

// forGame reports whether a server may read files of this kind.
func (k kind) forGame() bool {
	switch k {
	case unknown, junk, people, windows, database, logFile, code, packed, demo:
		return false
	}
	return true
}

// isReadme reports whether a lower-case name is that of a documentation file.
func isReadme(base string) bool {
	switch path.Ext(base) {
	case ".txt", ".md", ".cfg", ".rtf", ".html", "", ".rst", ".ini":
	default:
		return false
	}
	for _, begin := range []string{
		"readme", "read me", "read_me", "license", "licence", "changelog", "changes", "credits", "copying",
		"authors", "contributing", "todo", "gplv",
	} {
		if strings.HasPrefix(base, begin) {
			return true
		}
	}
	return base == "install" || base == "install.txt" || base == "install.md" || base == "installation.txt"
}

// Junk reports whether a path belongs to files that operating systems, editors or version control
// leave in archives.
func Junk(p string) bool {
	for part := range strings.SplitSeq(p, "/") {
		if len(part) < 4 {
			continue
		}
		switch c := part[0]; {
		case c == '.':
			switch strings.ToLower(part) {
			case ".ds_store", ".git", ".github", ".svn", ".gitignore", ".gitattributes", ".gitmodules", ".gitkeep", ".editorconfig",
				".vscode", ".idea", ".travis.yml",
				".gitlab-ci.yml", ".dockerignore", ".vs", ".trunk", ".claude", ".cursor", ".husky", ".clang-format", ".prettierrc",
				".eslintrc", ".nojekyll":
				return true
			}
			if strings.HasPrefix(part, "._") {
				return true
			}
		case c == '_' && strings.EqualFold(part, "__macosx"), c|0x20 == 't' && strings.EqualFold(part, "thumbs.db"),
			c|0x20 == 'd' && strings.EqualFold(part, "desktop.ini"):
			return true
		}
	}
	return false
}

// Reasons for placing or excluding files.
func whyJunk() left4me.Note      { return left4me.NewNote("placement.junk") }
func whyPeople() left4me.Note    { return left4me.NewNote("placement.documentation") }
func whyWindows() left4me.Note   { return left4me.NewNote("placement.windows") }
func whyCode() left4me.Note      { return left4me.NewNote("placement.source_or_tool") }
func whySQL() left4me.Note       { return left4me.NewNote("placement.database") }
func whyLog() left4me.Note       { return left4me.NewNote("placement.log") }
func whyPacked() left4me.Note    { return left4me.NewNote("placement.archive") }
func whyDemo() left4me.Note      { return left4me.NewNote("placement.demo") }
func whyNothing() left4me.Note   { return left4me.NewNote("placement.unknown_kind") }
func whySite() left4me.Note      { return left4me.NewNote("placement.web_site") }
func why64() left4me.Note        { return left4me.NewNote("placement.program_64_bit") }
func whyAbout() left4me.Note     { return left4me.NewNote("placement.addon_info") }
func whyText() left4me.Note      { return left4me.NewNote("placement.text_unmentioned") }
func whyAlone() left4me.Note     { return left4me.NewNote("placement.other_program") }
func whyMoved() left4me.Note     { return left4me.NewNote("placement.moved") }
func whyLeft() left4me.Note      { return left4me.NewNote("placement.excluded") }
func whyVDF() left4me.Note       { return left4me.NewNote("placement.named_by_vdf") }
func whyGame() left4me.Note      { return left4me.NewNote("placement.game_directory") }
func whySourceMod() left4me.Note { return left4me.NewNote("placement.sourcemod_program") }
func whyMetamod() left4me.Note   { return left4me.NewNote("placement.metamod_program") }
func whyGameData() left4me.Note  { return left4me.NewNote("placement.gamedata") }

// whyNot returns the reason for excluding files of a kind.
func (k kind) whyNot() left4me.Note {
	switch k {
	case junk:
		return whyJunk()
	case people:
		return whyPeople()
	case windows:
		return whyWindows()
	case code:
		return whyCode()
	case database:
		return whySQL()
	case logFile:
		return whyLog()
	case packed:
		return whyPacked()
	case demo:
		return whyDemo()
	}
	return whyNothing()
}
