// Package vpk reads VPK archives, in which games of the Source engine and their add-ons keep their files: versions 1 and
// 2, with the data in the same file or in others beside it ("x_dir.vpk" with "x_000.vpk" and so on).
//
// Archives are made by strangers. Only the tree is held in memory, a few dozen bytes for each entry, and nothing in it is
// believed that the size of the file doesn't bear out. Names are text until they are checked: an [Archive] as [fs.FS] has
// only those that [fs.ValidPath] allows, and [Archive.Extract] refuses an archive as a whole for one bad name.
//
// The format is "VPK (file format)" of the Valve Developer Community. Signatures are not checked, archives without the
// header of the format (a beta of 2008) and Respawn's own version are refused, nothing is written.
package vpk
