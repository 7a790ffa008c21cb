package revisions

import (
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/filelist"
	"github.com/left4me/left4me/internal/web/page"
)

// campaignPicture returns the address of a campaign's picture, or "" if it has none that
// browsers show. file is the VPK that contains the picture, or "".
func campaignPicture(o left4me.Name, rev int, file, image string) string {
	if image == "" || filelist.PictureOf(image) == "" {
		return ""
	}
	path := image
	if file != "" {
		path = file + "/" + image
	}
	v := filelist.View{Revision: rev, Base: page.OverlayPath(o)}
	return string(v.Of("picture", path))
}
