package overlays

import (
	"net/url"

	"github.com/left4me/left4me/internal/control/overlays"
	"github.com/left4me/left4me/internal/web/format"
)

// recipes returns all recipes. The script of the recipe that q names is filled in with the
// parameters in q. Errors: left4me.Invalid for a parameter.
func recipes(q url.Values) ([]overlays.Recipe, error) {
	all := overlays.Recipes()
	for i, r := range all {
		if q.Get("recipe") != r.ID {
			continue
		}
		values := map[string]string{}
		for _, v := range r.Parameters {
			if q.Has("set-" + v.Name) {
				values[v.Name] = format.Visible(q.Get("set-" + v.Name))
			}
		}
		var err error
		if all[i], err = r.Fill(values); err != nil {
			return nil, err
		}
	}
	return all, nil
}
