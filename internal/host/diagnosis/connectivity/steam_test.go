package connectivity

import (
	"testing"

	"github.com/left4me/left4me/source/status"
)

func TestPublicAddressIsTakenFromSteam(t *testing.T) {
	for told, want := range map[string]bool{
		"203.0.113.9:27015": true, "192.168.1.5:27015": false, "127.0.1.1:27015": false, "": false,
	} {
		w := &walk{statusAnswer: status.Status{PublicAddress: told}}
		at, source, err := w.find(t.Context())
		if got := source != nil && source.Code == "address.from_steam"; got != want || err != nil || want && at.String() != "203.0.113.9" {
			t.Errorf("%q: got %s, %s, %v", told, at, source, err)
		}
	}
}
