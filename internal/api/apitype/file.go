package apitype

// ServerFile is what a file holds.
type ServerFile struct {
	Path string `json:"path"`
	Size int64  `json:"size"`
	Data []byte `json:"data,omitzero" doc:"All of it in base64; absent when it is longer than 1 MiB"`
	FileText
}

// RevisionFile is what a file of a revision holds.
type RevisionFile struct {
	Revision int    `json:"revision" doc:"That was looked at"`
	Path     string `json:"path"`
	Size     int64  `json:"size"`
	Hash     string `json:"hash" doc:"SHA-256, hexadecimal"`
	Data     []byte `json:"data,omitzero" doc:"All of it in base64; absent when it is longer than 1 MiB"`
	FileText
}

// FileText is what a text says that isn't UTF-8. It is exported as ByName is.
type FileText struct {
	Encoding string `json:"encoding,omitempty" doc:"For example gbk or utf-16le; absent for UTF-8 and for files that aren't text"`
	Guess    bool   `json:"guess,omitempty" doc:"The encoding is the likeliest one; the text is too short to tell"`
	Text     string `json:"text,omitempty" doc:"What such a text says"`
}

// Paths names files of a layer.
type Paths struct {
	Paths []string `json:"paths" doc:"Files or directories, as in left4dead2/cfg/x.cfg"`
}
