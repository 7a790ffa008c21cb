package filelist

import (
	"path"
	"strings"
)

// pictures maps the file name extensions of pictures that browsers show to media types.
var pictures = map[string]string{".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png", ".gif": "image/gif"}

// PictureOf returns the media type of a picture that browsers show, determined by the
// extension of p. It returns "" for other files.
func PictureOf(p string) string { return pictures[strings.ToLower(path.Ext(p))] }
