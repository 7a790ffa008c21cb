package languages

import (
	"strings"
	"testing"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
	"golang.org/x/text/number"

	"github.com/left4me/left4me/internal/locale"
)

var numbers = func() []int64 {
	var all []int64
	for n := range int64(1200) {
		all = append(all, n)
	}
	return append(all, 9999, 10_000, 99_999, 1_000_000, 1_000_001, 12_345_678, 2_000_000_000)
}()

var categories = map[plural.Form]string{
	plural.Zero: "zero", plural.One: "one", plural.Two: "two", plural.Few: "few", plural.Many: "many", plural.Other: "other",
}

func category(tag language.Tag, n int64) string {
	return categories[plural.Cardinal.MatchPlural(tag, int(n), 0, 0, 0, 0)]
}

// Package locale contains handwritten rules for English plurals and digit grouping, so that the root
// helper needs no CLDR data. The rules must give the same results as CLDR.
func TestEnglishPluralsAndGroupingAreThoseOfCLDR(t *testing.T) {
	p := message.NewPrinter(language.English)
	for _, n := range numbers {
		want := p.Sprint(number.Decimal(n)) + " minutes"
		if category(language.English, n) == "one" {
			want = p.Sprint(number.Decimal(n)) + " minute"
		}
		if got := locale.English.Text("duration.n_minutes", "count", n); got != want {
			t.Errorf("%d is %q, want %q", n, got, want)
		}
		if n > 0 {
			if got, want := locale.English.Number(-n), "-"+locale.English.Number(n); got != want {
				t.Errorf("%d is %q, want %q", -n, got, want)
			}
		}
	}
}

// A language has exactly the plural forms that CLDR has for it: one that is missing leaves
// a number without a text, and a surplus one is never shown.
func TestTextsHavePluralFormsOfLanguage(t *testing.T) {
	for _, p := range all {
		want := map[string]bool{}
		for _, n := range numbers {
			want[category(language.MustParse(p.Tag()), n)] = true
		}
		for key, forms := range p.All("") {
			if len(forms) == 1 {
				continue
			}
			for f := range want {
				if forms[f] == "" {
					t.Errorf("%s: %s lacks the plural form %q", p.Tag(), key, f)
				}
			}
			for f := range forms {
				if !want[f] {
					t.Errorf("%s: %s has the plural form %q, which the language does not have", p.Tag(), key, f)
				}
			}
		}
	}
}

func TestPreferredLanguageFollowsAcceptHeader(t *testing.T) {
	for header, want := range map[string]string{
		"":                        "en",
		"en":                      "en",
		"en-GB,en;q=0.9":          "en",
		"fr-FR,fr;q=0.9,en;q=0.1": "en",
		"de":                      "en",
		"*":                       "en",
		";;;q=x,,":                "en",
		"en-XA":                   "en-XA",
		"en-XA,en;q=0.9":          "en-XA",
		strings.Repeat("a-", 1e6): "en",
	} {
		if got := Preferred(header).Tag(); got != want {
			t.Errorf("%.40q gets %s, want %s", header, got, want)
		}
	}
}

func FuzzPreferred(f *testing.F) {
	for _, s := range []string{"en-GB,en;q=0.9", "zh-TW,zh;q=0.8,en-US;q=0.6", "*", "en-XA", "i-klingon;q=1.000"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if p := Preferred(s); p == nil || p.Tag() == "" {
			t.Errorf("%q gets no language", s)
		}
	})
}
