package help

import "testing"

func TestDocumentationLinksToVersion(t *testing.T) {
	for version, want := range map[string]string{
		"1.2.3": "v1.2.3", "v1.2.3": "v1.2.3", "v0.1.0-12-g0a1b2c3": "0a1b2c3", "0a1b2c3d": "0a1b2c3d", "0a1b2c3-dirty": "0a1b2c3",
		"v1.2.3-dirty": "v1.2.3", "1.2.3+g0a1b2c3d": "0a1b2c3d", "dev": "main", "": "main", "v1.2.3/../..": "main",
	} {
		if got := reference(version); got != want {
			t.Errorf("reference(%q) = %q, want %q", version, got, want)
		}
	}
}
