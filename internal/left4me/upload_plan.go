package left4me

// Import is how uploaded files are understood.
type Import struct {
	Exact  bool   `json:"exact,omitempty"`  // paths are as they shall be in the layer, archives stay archives
	Subdir string `json:"subdir,omitempty"` // of an archive: only what is beneath
	Root   string `json:"root,omitempty"`   // where it goes: left4dead2, left4dead2/addons, …; empty: it is found out
	Names  string `json:"names,omitempty"`  // encoding of names that say none: gbk, big5, shift_jis, cp1251, …; empty: it is found out
	// NamesHint is what names that are too short to tell are taken for. Empty: the
	// setting of names in archives.
	NamesHint string `json:"names_hint,omitempty"`
	// Texts: "as-is" leaves byte order marks and UTF-16 in texts for the game; empty: they are saved as UTF-8.
	Texts string       `json:"texts,omitempty"`
	Moves []FolderMove `json:"moves,omitempty"` // folders and files that go elsewhere than where they would
}

// FolderMove says where a folder or file of an upload goes.
type FolderMove struct {
	From string `json:"from"` // in the upload; beneath its only folder at the top, if it has one
	To   string `json:"to"`   // in the layer: left4dead2/cfg; "-" leaves it out; empty: it is found out
}

// MergeMoves is what was moved before with what is moved now over it. One that goes
// nowhere is forgotten.
func MergeMoves(before, now []FolderMove) (all []FolderMove) {
	for _, m := range JoinMoves(before, now) {
		if m.To != "" {
			all = append(all, m)
		}
	}
	return all
}

// JoinMoves is MergeMoves with those that go nowhere: over what an overlay remembers,
// they make it forget.
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

// Plan is what an import would do.
type Plan struct {
	Root     string       `json:"root"`  // the directory of the layer that all files go to
	Strip    string       `json:"strip"` // what is left off in front of all of their names
	Files    []PlanFile   `json:"files"` // the first MaxPlanFiles
	Count    int          `json:"count"` // of all
	Bytes    int64        `json:"bytes"`
	Skipped  []string     `json:"skipped,omitempty"`   // the first that are left out, and why
	Left     []PlanLeft   `json:"left,omitempty"`      // all that is left out, by reason
	Asks     []PlanAsk    `json:"asks,omitempty"`      // where several places are as good
	Asked    int          `json:"asked,omitempty"`     // files that a question is about
	Dirs     []PlanDir    `json:"dirs,omitempty"`      // the upload as a tree, in its order; the first MaxPlanFiles
	MoreDirs int          `json:"more_dirs,omitempty"` // how many more of these there are
	Moves    []FolderMove `json:"moves,omitempty"`     // what was moved, now and in uploads before
	Repairs  []string     `json:"repairs,omitempty"`   // texts that will be saved as UTF-8, and why; Import.Texts turns it off
	Warnings []Warning    `json:"warnings,omitempty"`
	Problem  *Error       `json:"problem,omitempty"` // why it will be refused
	Names    *PlanNames   `json:"names,omitempty"`   // of archives that don't say in which encoding theirs are
}

// PlanNames is how names in an archive are read that doesn't say it.
type PlanNames struct {
	Encoding string    `json:"encoding"`
	Guess    bool      `json:"guess,omitempty"` // they are too short to tell
	Examples []NamesIn `json:"examples"`        // some names in each encoding that they can be read in, first as they are read now
}

// NamesIn is what some names are in an encoding.
type NamesIn struct {
	Encoding string   `json:"encoding"`
	Names    []string `json:"names"`
}

// MaxPlanFiles is how many files a Plan names.
const MaxPlanFiles = 500

// PlanFile is a file that an import would write.
type PlanFile struct {
	Path string `json:"path"`
	From string `json:"from,omitempty"` // what it is called where it comes from, if that is something else
	Size int64  `json:"size"`
	Over bool   `json:"over,omitempty"` // there is one in the current revision
	Why  string `json:"why,omitempty"`  // why it goes there
}

// PlanDir is a folder of an upload of which all goes one way, one whose parts go
// several ways and follow it, or a file.
type PlanDir struct {
	From  string `json:"from"` // in the upload, as FolderMove names it
	Dir   bool   `json:"dir,omitempty"`
	To    string `json:"to,omitempty"`  // in the layer; empty with a reason: it is left out
	Why   string `json:"why,omitempty"` // empty: its parts follow
	Count int    `json:"count"`         // files
	Bytes int64  `json:"bytes"`
	Asked bool   `json:"asked,omitempty"` // a question is about some of it
}

// PlanLeft is what is left out for one reason.
type PlanLeft struct {
	Why   string   `json:"why"`
	Count int      `json:"count"`
	Files []string `json:"files"` // the first few
}

// PlanAsk is a question of a plan. The first choice is what happens without an
// answer; to choose another, send its moves with the import.
type PlanAsk struct {
	Text    string       `json:"text"`
	Count   int          `json:"count"` // files that it is about
	Files   []string     `json:"files"` // the first few, as FolderMove names them
	Choices []PlanChoice `json:"choices"`
}

// PlanChoice is an answer to a PlanAsk.
type PlanChoice struct {
	Text  string       `json:"text"`
	Moves []FolderMove `json:"moves"`
}

// TextsAsIs leaves texts as they came.
const TextsAsIs = "as-is"
