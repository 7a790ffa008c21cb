package installation

import (
	"fmt"
	"strings"
)

// campaign is a campaign with its maps in order.
type campaign struct {
	id, title, dir string // dir is the directory of its maps
	maps           []string
}

// official contains the campaigns of the game.
var official = []campaign{
	{"L4D2C1", "Dead Center", base, []string{"c1m1_hotel", "c1m2_streets", "c1m3_mall", "c1m4_atrium"}},
	{"L4D2C2", "Dark Carnival", base, []string{
		"c2m1_highway", "c2m2_fairgrounds", "c2m3_coaster", "c2m4_barns", "c2m5_concert",
	}},
	{"L4D2C3", "Swamp Fever", base, []string{"c3m1_plankcountry", "c3m2_swamp", "c3m3_shantytown", "c3m4_plantation"}},
	{"L4D2C4", "Hard Rain", base, []string{
		"c4m1_milltown_a", "c4m2_sugarmill_a", "c4m3_sugarmill_b", "c4m4_milltown_b", "c4m5_milltown_escape",
	}},
	{"L4D2C5", "The Parish", base, []string{
		"c5m1_waterfront", "c5m2_park", "c5m3_cemetery", "c5m4_quarter", "c5m5_bridge",
	}},
	{"L4D2C6", "The Passing", dlc1, []string{"c6m1_riverbank", "c6m2_bedlam", "c6m3_port"}},
	{"L4D2C7", "The Sacrifice", dlc2, []string{"c7m1_docks", "c7m2_barge", "c7m3_port"}},
	{"L4D2C8", "No Mercy", dlc2, []string{
		"c8m1_apartment", "c8m2_subway", "c8m3_sewers", "c8m4_interior", "c8m5_rooftop",
	}},
	{"L4D2C9", "Crash Course", dlc3, []string{"c9m1_alleys", "c9m2_lots"}},
	{"L4D2C10", "Death Toll", dlc3, []string{
		"c10m1_caves", "c10m2_drainage", "c10m3_ranchhouse", "c10m4_mainstreet", "c10m5_houseboat",
	}},
	{"L4D2C11", "Dead Air", dlc3, []string{
		"c11m1_greenhouse", "c11m2_offices", "c11m3_garage", "c11m4_terminal", "c11m5_runway",
	}},
	{"L4D2C12", "Blood Harvest", dlc3, []string{
		"c12m1_hilltop", "c12m2_traintunnel", "c12m3_bridge", "c12m4_barn", "c12m5_cornfield",
	}},
	{"L4D2C13", "Cold Stream", dlc3, []string{
		"c13m1_alpinecreek", "c13m2_southpinestream", "c13m3_memorialbridge", "c13m4_cutthroatcreek",
	}},
	{"L4D2C14", "The Last Stand", update, []string{"c14m1_junkyard", "c14m2_lighthouse"}},
}

// mission returns the text of the campaign's mission file.
func (c campaign) mission(modes ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\"mission\"\n{\n\t\"Name\"\t\"%s\"\n\t\"Version\"\t\"1\"\n", c.id)
	fmt.Fprintf(&b, "\t\"DisplayTitle\"\t\"%s\"\n\t\"Description\"\t\"%s, for the simulation.\"\n", c.title, c.title)
	b.WriteString("\n\t\"modes\"\n\t{\n")
	for _, mode := range modes {
		fmt.Fprintf(&b, "\t\t\"%s\"\n\t\t{\n", mode)
		for i, name := range c.maps {
			_, words, _ := strings.Cut(name, "_")
			fmt.Fprintf(&b, "\t\t\t\"%d\"\n\t\t\t{\n\t\t\t\t\"Map\"\t\"%s\"\n", i+1, name)
			fmt.Fprintf(&b, "\t\t\t\t\"DisplayName\"\t\"%d: %s\"\n", i+1, strings.ReplaceAll(words, "_", " "))
			fmt.Fprintf(&b, "\t\t\t\t\"Image\"\t\"maps/%s\"\n", name)
			if mode == "versus" {
				fmt.Fprintf(&b, "\t\t\t\t\"VersusCompletionScore\"\t\"%d\"\n", 300+100*i)
			}
			b.WriteString("\t\t\t}\n")
		}
		b.WriteString("\t\t}\n")
	}
	b.WriteString("\t}\n}\n")
	return b.String()
}
