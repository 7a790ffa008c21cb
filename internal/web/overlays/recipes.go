package overlays

import (
	"context"
	"net/url"
	"strings"

	"github.com/left4me/left4me/internal/control/overlays"
	"github.com/left4me/left4me/internal/locale"
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

// recipeKey returns the id of a recipe or the name of a parameter as a part of a key.
func recipeKey(id string) string { return strings.ToLower(strings.ReplaceAll(id, "-", "_")) }

func recipeTitle(ctx context.Context, id string) string {
	return locale.T(ctx, "recipe."+recipeKey(id)+".title")
}

func recipeText(ctx context.Context, id string) string {
	return locale.T(ctx, "recipe."+recipeKey(id)+".text")
}

func parameterTitle(ctx context.Context, id, name string) string {
	return locale.T(ctx, "recipe."+recipeKey(id)+"."+recipeKey(name))
}

func parameterHint(ctx context.Context, id, name string) string {
	return locale.T(ctx, "recipe."+recipeKey(id)+"."+recipeKey(name)+".hint")
}
