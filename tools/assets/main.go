// Command assets builds internal/web/dist from internal/web/assets: the script and the style
// sheet of every page, the scripts that only some pages load, and their data, all minified.
// The editor is bundled from node_modules beside this file. script/gen runs it from the root
// of the repository.
package main

import (
	"fmt"
	"os"

	"github.com/evanw/esbuild/pkg/api"
)

func main() {
	result := api.Build(api.BuildOptions{
		EntryPoints: []string{
			"internal/web/assets/js/panel.js", "internal/web/assets/js/stream_worker.js", "internal/web/assets/js/upload.js",
			"internal/web/assets/js/editor.js",
			"internal/web/assets/panel.css", "internal/web/assets/icon.svg", "internal/web/assets/cvars.json",
		},
		NodePaths:  []string{"tools/assets/node_modules"},
		EntryNames: "[name]",
		Outdir:     "internal/web/dist",
		Loader:     map[string]api.Loader{".svg": api.LoaderCopy, ".json": api.LoaderCopy},
		Bundle:     true,
		Format:     api.FormatESModule,
		Charset:    api.CharsetUTF8,
		// Keep light-dark() and nesting, which browsers of 2024 and later support.
		Engines: []api.Engine{
			{Name: api.EngineChrome, Version: "123"},
			{Name: api.EngineFirefox, Version: "120"},
			{Name: api.EngineSafari, Version: "17.5"},
		},
		MinifyWhitespace:  true,
		MinifyIdentifiers: true,
		MinifySyntax:      true,
		Write:             true,
	})
	for _, m := range append(result.Errors, result.Warnings...) {
		where := ""
		if m.Location != nil {
			where = fmt.Sprintf("%s:%d: ", m.Location.File, m.Location.Line)
		}
		fmt.Fprintln(os.Stderr, where+m.Text)
	}
	if len(result.Errors)+len(result.Warnings) > 0 {
		os.Exit(1)
	}
}
