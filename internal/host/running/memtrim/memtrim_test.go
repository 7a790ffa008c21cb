package memtrim

import "testing"

func TestOnlyFileBackedPagesAreReleased(t *testing.T) {
	const exe = "/opt/left 4/left4me"
	for line, want := range map[string]bool{
		"00400000-0118d000 r-xp 00000000 fe:00 9994354                            " + exe: true,
		"0118d000-01e57000 r--p 00d8d000 fe:00 9994354                            " + exe: true,
		"01e57000-01edf000 rw-p 01a57000 fe:00 9994354                            " + exe: false,
		"7f86daefc000-7f86db300000 rw-p 00000000 00:00 0 ":                                false,
		"7ffd000-7ffe000 r-xp 00000000 00:00 0                                    [vdso]": false,
		"": false, "x-y r--p 0 0 0 " + exe: false,
	} {
		if _, _, ok := programPages(line, exe); ok != want {
			t.Errorf("programPages(%q) ok = %v", line, ok)
		}
	}
}
