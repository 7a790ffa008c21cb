package filelist

import "github.com/left4me/left4me/internal/control/overlays"

// EncodingLabel is what people call an encoding.
func EncodingLabel(encoding string) string {
	for _, e := range overlays.NameEncodings() {
		if e.Name == encoding {
			return e.Label
		}
	}
	return encoding
}
