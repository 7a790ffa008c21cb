package steamapi

// DemoCollection is the ID of a collection in Workshop that contains all of its items.
const DemoCollection = "2900000001"

// Workshop returns a small workshop: a collection that contains another one, three campaigns, a script,
// two add-ons that share a file, and an ID whose item was deleted. rate limits downloads in bytes per
// second; 0 means no limit. scale multiplies the sizes.
func Workshop(rate int64, scale float64) map[string]Item {
	slow := Content{Rate: rate}
	return map[string]Item{
		DemoCollection: {Title: "Friday night", Children: []string{"2900000010", "2900000011", "2900000002", "2900000013", "2900000019"}},
		"2900000002":   {Title: "Small things", Children: []string{"2900000012", "2900000014", "2900000015"}},
		"2900000010": {
			Title:    "Salt Flats",
			Filename: "myl4d2addons/salt_flats.vpk",
			Addon:    "salt-flats",
			Tags:     []string{"Campaigns", "Co-op", "Versus"},
			Scale:    scale,
			Content:  slow,
		},
		"2900000011": {
			Title:    "Pine Ridge",
			Filename: "pine_ridge.vpk",
			Addon:    "pine-ridge",
			Tags:     []string{"Campaigns", "Co-op"},
			Scale:    scale,
			Content:  slow,
		},
		"2900000012": {Title: "Calm Director", Filename: "calm director 1.2.vpk", Addon: "calm-director", Tags: []string{"Scripts"}},
		"2900000013": {
			Title:    "Night Ferry",
			Filename: "night_ferry.vpk",
			Addon:    "night-ferry",
			Tags:     []string{"Campaigns"},
			Scale:    scale,
			Content:  slow,
		},
		"2900000014": {Title: "Grey Smoke", Filename: "smoke.vpk", Addon: "grey-smoke", Tags: []string{"Skins"}},
		"2900000015": {Title: "Green Smoke", Filename: "smoke.vpk", Addon: "green-smoke", Tags: []string{"Skins"}},
	}
}
