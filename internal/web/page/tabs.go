package page

// Tab is a part of the page of a server or an overlay, with an address of its own.
type Tab struct{ Key, Label, Path string }
