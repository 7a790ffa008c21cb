package left4me

// Import defines how uploaded files are unpacked and placed.
type Import struct {
	Exact  bool   `json:"exact,omitempty"`  // paths are final paths in the layer, and archives are not unpacked
	Subdir string `json:"subdir,omitempty"` // use only this directory of an archive
	Root   string `json:"root,omitempty"`   // destination: left4dead2, left4dead2/addons, …; empty: detected
	Names  string `json:"names,omitempty"`  // encoding of names that do not declare one: gbk, big5, shift_jis, cp1251, …; empty: detected
	// NamesHint is the encoding of names that are too short to detect one. Empty: the setting for
	// names in archives.
	NamesHint string `json:"names_hint,omitempty"`
	// Texts controls texts with byte order marks or in UTF-16: "as-is" leaves them unchanged;
	// empty: they are saved as UTF-8.
	Texts string       `json:"texts,omitempty"`
	Moves []FolderMove `json:"moves,omitempty"` // changed destinations of folders and files
}

// FolderMove changes the destination of a folder or file of an upload.
type FolderMove struct {
	From string `json:"from"` // path in the upload, without its single top folder if there is one
	To   string `json:"to"`   // path in the layer: left4dead2/cfg; "-" excludes it; empty: detected
}

// MergeMoves merges two lists of moves; now overrides before. Moves with an empty destination are
// removed.
func MergeMoves(before, now []FolderMove) (all []FolderMove) {
	for _, m := range JoinMoves(before, now) {
		if m.To != "" {
			all = append(all, m)
		}
	}
	return all
}

// JoinMoves is like MergeMoves but keeps moves with an empty destination: they delete remembered
// moves of an overlay.
func JoinMoves(before, now []FolderMove) (all []FolderMove) {
	last := map[string]int{}
	for _, m := range append(append([]FolderMove(nil), before...), now...) {
		if i, ok := last[m.From]; ok {
			all[i].To = m.To
			continue
		}
		last[m.From] = len(all)
		all = append(all, m)
	}
	return all
}

// Plan describes the result of an import in advance.
type Plan struct {
	Root        string           `json:"root"`  // the directory of the layer that contains all files
	Strip       string           `json:"strip"` // prefix that is removed from all names
	Files       []PlanFile       `json:"files"` // the first MaxPlanFiles files
	Count       int              `json:"count"` // total number of files
	Title       string           `json:"title"` // title of the first campaign or add-on among the uploaded VPKs; may be empty
	Bytes       int64            `json:"bytes"`
	Skipped     []string         `json:"skipped,omitempty"`     // the first excluded files, with reasons
	Left        []PlanLeft       `json:"left,omitempty"`        // all excluded files, by reason
	Asks        []PlanAsk        `json:"asks,omitempty"`        // questions about files with several equally likely places
	Asked       int              `json:"asked,omitempty"`       // number of files that a question is about
	Dirs        []PlanDir        `json:"dirs,omitempty"`        // the upload as a tree, in its order; the first MaxPlanFiles entries
	MoreDirs    int              `json:"more_dirs,omitempty"`   // number of further entries
	Moves       []FolderMove     `json:"moves,omitempty"`       // moves of this upload and remembered ones
	Repairs     []string         `json:"repairs,omitempty"`     // texts that will be saved as UTF-8, with reasons; disabled by Import.Texts
	Conversions []PlanConversion `json:"conversions,omitempty"` // the texts of Repairs, with codes
	Warnings    []Warning        `json:"warnings,omitempty"`    // problems of files, by their paths in the layer
	Unread      int64            `json:"unread,omitempty"`      // bytes of contents that were too many to check; the build checks them
	Problem     *Error           `json:"problem,omitempty"`     // why the import will be refused
	Names       *PlanNames       `json:"names,omitempty"`       // for archives that do not declare the encoding of their names
}

// PlanConversion is a text that will be saved as UTF-8.
type PlanConversion struct {
	Path   string `json:"path"` // in the layer
	Reason Note   `json:"reason"`
}

// PlanNames describes how names are decoded in an archive that does not declare their encoding.
type PlanNames struct {
	Encoding string    `json:"encoding"`
	Guess    bool      `json:"guess,omitempty"` // the names are too short to detect the encoding
	Examples []NamesIn `json:"examples"`        // some names in each possible encoding; the current one comes first
}

// NamesIn is a list of names decoded with one encoding.
type NamesIn struct {
	Encoding string   `json:"encoding"`
	Names    []string `json:"names"`
}

// MaxPlanFiles is the maximum number of files that a Plan lists.
const MaxPlanFiles = 500

// PlanFile is a file that an import would write.
type PlanFile struct {
	Path string `json:"path"`
	From string `json:"from,omitempty"` // path in the upload, if different
	Size int64  `json:"size"`
	Over bool   `json:"over,omitempty"` // replaces a file of the current revision
	Why  string `json:"why,omitempty"`  // English text of Reason
	// Reason is the reason for the destination.
	Reason Note `json:"reason,omitzero"`
}

// PlanDir is an entry of an upload's tree: a file, a folder with one destination, or a folder whose
// entries have different destinations and follow it.
type PlanDir struct {
	From   string `json:"from"` // path in the upload, as in FolderMove
	Dir    bool   `json:"dir,omitempty"`
	To     string `json:"to,omitempty"`  // path in the layer; empty with a Why: excluded
	Why    string `json:"why,omitempty"` // English text of Reason; empty: the entries of the folder follow
	Reason Note   `json:"reason,omitzero"`
	Count  int    `json:"count"` // number of files
	Bytes  int64  `json:"bytes"`
	Asked  bool   `json:"asked,omitempty"` // a question is about some of its files
}

// PlanLeft is the list of files excluded for one reason.
type PlanLeft struct {
	Why    string   `json:"why"` // English text of Reason
	Reason Note     `json:"reason,omitzero"`
	Count  int      `json:"count"`
	Files  []string `json:"files"` // the first few
}

// PlanAsk is a question of a plan. The first choice is the default; to select another one, send its
// moves with the import.
type PlanAsk struct {
	Text     string       `json:"text"` // English text of Question
	Question Note         `json:"question,omitzero"`
	Count    int          `json:"count"` // number of files that the question concerns
	Files    []string     `json:"files"` // the first few, with paths as in FolderMove
	Choices  []PlanChoice `json:"choices"`
}

// PlanChoice is an answer to a PlanAsk.
type PlanChoice struct {
	Text  string       `json:"text"` // English text of Label
	Label Note         `json:"label,omitzero"`
	Moves []FolderMove `json:"moves"`
}

// TextsAsIs leaves texts unchanged.
const TextsAsIs = "as-is"
