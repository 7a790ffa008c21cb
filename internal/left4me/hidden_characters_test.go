package left4me_test

import (
	"testing"

	"github.com/left4me/left4me/internal/left4me"
)

func TestHiddenRecognizesInvisibleCharacters(t *testing.T) {
	for _, r := range "\x00\x1b\n\r\x7f\u0085\u009b\u00ad\u061c\u200b\u200e\u200f" +
		"\u2028\u2029\u202a\u202e\u2066\u2069\u3164\u115f\u1160\uffa0\ufeff\ue000\U000e0041" {
		if !left4me.Hidden(r) {
			t.Errorf("Hidden(%U) = false", r)
		}
	}
	for _, r := range "a\t ü中ع\u200c\u200d😀\u0301\ufffd" {
		if left4me.Hidden(r) {
			t.Errorf("Hidden(%U) = true", r)
		}
	}
}
