package locale

// entry is a text from texts/TAG.json. script/gen sorts entries by key.
type entry struct {
	key   string
	text  string // the plural form "other" if there are forms
	forms *forms // nil for a text without plural forms
}

// forms are the plural forms of CLDR besides "other"; empty where the language has none.
type forms struct{ zero, one, two, few, many string }

// all returns the plural forms that e has, by their categories.
func (e entry) all() map[string]string {
	all := map[string]string{"other": e.text}
	if f := e.forms; f != nil {
		for category, text := range map[string]string{"zero": f.zero, "one": f.one, "two": f.two, "few": f.few, "many": f.many} {
			if text != "" {
				all[category] = text
			}
		}
	}
	return all
}
