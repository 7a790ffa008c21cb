package content

import (
	"context"
	"errors"

	"github.com/left4me/left4me"
)

var errTodo = errors.ErrUnsupported

// List returns all overlays by name, deleted ones behind the others.
func (c *Content) List(ctx context.Context) ([]View, error) { return nil, errTodo }

// Get returns one overlay. Errors: left4me.NotFound.
func (c *Content) Get(ctx context.Context, name left4me.Name) (View, error) { return View{}, errTodo }

// CreateOverlay adds an overlay; nothing is built yet. Errors: left4me.Invalid
// and left4me.Conflict, with the field.
func (c *Content) CreateOverlay(ctx context.Context, by string, v left4me.Overlay) (View, error) {
	return View{}, errTodo
}

// UpdateOverlay changes a definition. v.Version is the one that was looked at.
// Errors: left4me.NotFound, left4me.Invalid, and left4me.Conflict when somebody
// else changed it since.
func (c *Content) UpdateOverlay(ctx context.Context, by string, v left4me.Overlay) (View, error) {
	return View{}, errTodo
}

// Build asks for a job that makes a revision, if anything changed. Errors:
// left4me.NotFound, left4me.Invalid.
func (c *Content) Build(ctx context.Context, by string, name left4me.Name, r Request) (left4me.Job, error) {
	return left4me.Job{}, errTodo
}

// DeleteOverlay asks for a job that sets an overlay aside. Errors:
// left4me.NotFound, left4me.Conflict with who stacks it.
func (c *Content) DeleteOverlay(ctx context.Context, by string, name left4me.Name) (left4me.Job, error) {
	return left4me.Job{}, errTodo
}

// RestoreOverlay asks for a job that takes a deleted overlay back. Errors:
// left4me.NotFound.
func (c *Content) RestoreOverlay(ctx context.Context, by string, name left4me.Name) (left4me.Job, error) {
	return left4me.Job{}, errTodo
}

// DropRevision removes a revision that nothing uses. Errors: left4me.NotFound,
// left4me.Busy, left4me.Unavailable.
func (c *Content) DropRevision(ctx context.Context, by string, name left4me.Name, revision int) (left4me.Content, error) {
	return left4me.Content{}, errTodo
}

// Scripts returns the versions of an overlay's script, newest first. Errors:
// left4me.NotFound.
func (c *Content) Scripts(ctx context.Context, name left4me.Name) ([]Script, error) {
	return nil, errTodo
}

// Collect asks for a job that removes revisions and downloads that nothing needs.
func (c *Content) Collect(ctx context.Context, by string) (left4me.Job, error) {
	return left4me.Job{}, errTodo
}

// Recipe is a script to begin with.
type Recipe struct {
	ID, Title, Text string // of its page
	Parameters      []Parameter
	Script          string // where ${NAME} of its parameters stand as variables
}

// Parameter is what people may change of a recipe.
type Parameter struct{ Name, Title, Default, Hint string }

// Recipes are the scripts to begin with.
func Recipes() []Recipe { return nil }

// ParseWorkshop finds the ids of items and collections in pasted text: numbers,
// links, or a page full of them, each once and in order. What looks like one and
// is none is in bad.
func ParseWorkshop(text string) (ids []left4me.WorkshopID, bad []string) { return nil, nil }
