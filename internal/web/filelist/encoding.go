package filelist

import "github.com/left4me/left4me/internal/control/overlays"

// EncodingLabel returns the name of an encoding that people know, such as "Japanese
// (Shift JIS)" for "shift_jis". It returns an unknown encoding unchanged.
func EncodingLabel(encoding string) string {
	for _, e := range overlays.NameEncodings() {
		if e.Name == encoding {
			return e.Label
		}
	}
	return encoding
}
