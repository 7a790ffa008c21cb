package page

// Tab is a section of the pages of a server or an overlay, with an address of its own.
type Tab struct{ Key, Label, Path string }
