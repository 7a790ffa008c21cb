package apitype

// ServerFile is the content of a server's file.
type ServerFile struct {
	Path string `json:"path"`
	Size int64  `json:"size"`
	Data []byte `json:"data,omitzero" doc:"The whole content in base64; absent if it is longer than 1 MiB"`
	FileText
}

// RevisionFile is the content of a file of a revision.
type RevisionFile struct {
	Revision int    `json:"revision" doc:"The revision that was read"`
	Path     string `json:"path"`
	Size     int64  `json:"size"`
	Hash     string `json:"hash" doc:"SHA-256, hexadecimal"`
	Data     []byte `json:"data,omitzero" doc:"The whole content in base64; absent if it is longer than 1 MiB"`
	FileText
}

// FileText is the decoded content of a text that is not UTF-8. It is exported so that its fields
// are encoded when it is embedded.
type FileText struct {
	Encoding string `json:"encoding,omitempty" doc:"For example gbk or utf-16le; absent for UTF-8 and for files that are not text"`
	Guess    bool   `json:"guess,omitempty" doc:"The encoding is a guess, because the text is too short to detect it"`
	Text     string `json:"text,omitempty" doc:"The text decoded to UTF-8"`
}

// Paths is a list of files of a layer.
type Paths struct {
	Paths []string `json:"paths" doc:"Files or directories, such as left4dead2/cfg/x.cfg"`
}
