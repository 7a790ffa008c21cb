package cli

import (
	"net/http"
	"slices"

	"github.com/spf13/cobra"

	"github.com/left4me/left4me/internal/api/apitype"
	"github.com/left4me/left4me/internal/cli/output"
	"github.com/left4me/left4me/internal/left4me"
)

// items returns a command that changes the workshop items of an overlay.
func (cmd overlayCommands) items(use, short string, args cobra.PositionalArgs,
	change func(c *cobra.Command, w *left4me.Workshop, ids []left4me.WorkshopID) error,
) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short, Args: args, ValidArgsFunction: cmd.app.overlays}
	build := c.Flags().Bool("build", false, "start a build")
	wait := c.Flags().Bool("wait", false, "wait until the build has ended")
	c.RunE = func(c *cobra.Command, args []string) error {
		return cmd.change(c, args[0], *build, *wait, func(o *apitype.Overlay) error {
			if o.Workshop == nil {
				return left4me.NewError(left4me.Invalid, "overlay.no_items", "kind", output.OneLine(string(o.Kind)))
			}
			ids, err := cmd.app.workshopIDs(c.Context(), args[1:])
			if err != nil {
				return err
			}
			return change(c, o.Workshop, ids)
		})
	}
	return c
}

const someItems = "the name of an overlay and workshop items, as numbers or links"

// entry returns the index of an entry with the given id, or -1.
func entry(w *left4me.Workshop, id left4me.WorkshopID) int {
	return slices.IndexFunc(w.Entries, func(e left4me.WorkshopEntry) bool { return e.ID == id })
}

func (cmd overlayCommands) addItems() *cobra.Command {
	return cmd.items("add NAME ITEM…", "Add workshop items and collections to an overlay", between(2, -1, someItems),
		func(_ *cobra.Command, w *left4me.Workshop, ids []left4me.WorkshopID) error {
			for _, id := range ids {
				if entry(w, id) < 0 {
					w.Entries = append(w.Entries, left4me.WorkshopEntry{ID: id})
				}
				w.Exclude = slices.DeleteFunc(w.Exclude, func(x left4me.WorkshopID) bool { return x == id })
			}
			return nil
		})
}

func (cmd overlayCommands) removeItems() *cobra.Command {
	return cmd.items("remove NAME ITEM…", "Remove workshop items from an overlay; items of a collection are excluded from it",
		between(2, -1, someItems),
		func(_ *cobra.Command, w *left4me.Workshop, ids []left4me.WorkshopID) error {
			for _, id := range ids {
				if i := entry(w, id); i >= 0 {
					w.Entries = slices.Delete(w.Entries, i, i+1)
				} else if !slices.Contains(w.Exclude, id) {
					w.Exclude = append(w.Exclude, id)
				}
			}
			return nil
		})
}

func (cmd overlayCommands) freeze() *cobra.Command {
	return cmd.items("freeze NAME COLLECTION", "Freeze a collection: ignore items that its author adds or removes",
		between(2, 2, "the name of an overlay and a collection"),
		func(c *cobra.Command, w *left4me.Workshop, ids []left4me.WorkshopID) error {
			i := -1
			if len(ids) == 1 {
				i = entry(w, ids[0])
			}
			if i < 0 {
				return left4me.NewError(left4me.NotFound, "workshop.item_not_listed")
			}
			var states []left4me.WorkshopState
			ask := left4me.Workshop{Entries: []left4me.WorkshopEntry{{ID: ids[0]}}}
			if _, err := cmd.app.call(c.Context(), http.MethodPost, "/workshop/lookup", ask, &states); err != nil {
				return err
			}
			var items []left4me.WorkshopID
			for _, s := range states {
				if s.State != left4me.ItemCollection {
					items = append(items, s.ID)
				}
			}
			if j := slices.IndexFunc(states,
				func(s left4me.WorkshopState) bool { return s.ID == ids[0] && s.State == left4me.ItemCollection }); j < 0 ||
				len(items) == 0 {
				return left4me.NewError(left4me.Invalid, "workshop.no_collection", "item", ids[0])
			}
			w.Entries[i].Frozen = items
			return nil
		})
}

func (cmd overlayCommands) unfreeze() *cobra.Command {
	return cmd.items("unfreeze NAME COLLECTION", "Keep a collection in sync with its author again",
		between(2, 2, "the name of an overlay and a collection"),
		func(_ *cobra.Command, w *left4me.Workshop, ids []left4me.WorkshopID) error {
			for _, id := range ids {
				i := entry(w, id)
				if i < 0 {
					return left4me.NewError(left4me.NotFound, "workshop.item_unknown", "item", id)
				}
				w.Entries[i].Frozen = nil
			}
			return nil
		})
}
