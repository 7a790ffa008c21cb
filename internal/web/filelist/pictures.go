package filelist

import (
	"path"
	"strings"
)

// pictures are the endings of files that browsers show, with what they are.
var pictures = map[string]string{".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png", ".gif": "image/gif"}

// PictureOf is the media type of a file that browsers show as a picture, by its name, or empty.
func PictureOf(p string) string { return pictures[strings.ToLower(path.Ext(p))] }
