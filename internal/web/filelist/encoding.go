package filelist

import (
	"context"
	"strings"

	"github.com/left4me/left4me/internal/locale"
)

// EncodingLabel returns the label of an encoding in the reader's language, such as "Japanese
// (Shift_JIS, CP932)" for "shift_jis". It returns an unknown encoding unchanged.
func EncodingLabel(ctx context.Context, encoding string) string {
	key := strings.ReplaceAll(encoding, "-", "_")
	if !locale.English.Has("encoding." + key) {
		return encoding
	}
	return locale.T(ctx, "encoding."+key)
}
