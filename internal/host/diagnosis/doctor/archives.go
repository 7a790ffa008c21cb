package doctor

import (
	"github.com/left4me/left4me/internal/host/content/archive"
	"github.com/left4me/left4me/internal/left4me"
)

// archives checks whether the program is installed that unpacks archives left4me itself cannot.
func archives(cfg Config) left4me.Check {
	const name = "archives"
	if archive.FindTool() == "" {
		return left4me.NewCheck(left4me.CheckWarn, name, "archives.no_tool", "tool", archive.Tool,
			"command", cfg.Reader.Install(archive.ToolPackage))
	}
	return left4me.NewCheck(left4me.CheckOK, name, "archives.ok", "tool", archive.Tool)
}
