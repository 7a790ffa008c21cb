package remedy

import "testing"

func TestAsRootFormatsCommandsForReader(t *testing.T) {
	for _, tt := range []struct {
		reader Reader
		want   string
	}{
		{Reader{Root: true}, "`a b`, then `c`"},
		{Reader{Sudo: true}, "`sudo a b`, then `sudo c`"},
		{Reader{}, "as root: `a b`, then `c`"},
	} {
		if got := tt.reader.AsRoot("a b", "c").String(); got != tt.want {
			t.Errorf("%+v: %s, want %s", tt.reader, got, tt.want)
		}
	}
}
