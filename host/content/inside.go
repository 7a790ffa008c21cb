package content

import (
	"os"

	"github.com/left4me/left4me"
	"github.com/left4me/left4me/bus"
)

// inside answers with a file that is in a VPK.
func inside(a bus.FileAnswer, _ *os.File, _ string) (bus.FileAnswer, error) {
	return a, left4me.Errorf(left4me.Invalid, "files in VPKs can't be read yet", "download the whole file")
}
