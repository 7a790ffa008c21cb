package doctor

import (
	"github.com/left4me/left4me/internal/host/content/archive"
	"github.com/left4me/left4me/internal/left4me"
)

// archives checks whether the program is installed that unpacks archives left4me itself cannot.
func archives(cfg Config) left4me.Check {
	const name = "archives"
	if archive.FindTool() == "" {
		return warn(name,
			archive.Tool+
				" is not installed: archives with Deflate64 (made by Windows for more than 2 GB), PPMd in a zip, or some filters of 7z "+
				"can't be unpacked", cfg.Reader.Install(archive.ToolPackage))
	}
	return ok(name, "%s unpacks the rarer methods of zip and 7z", archive.Tool)
}
