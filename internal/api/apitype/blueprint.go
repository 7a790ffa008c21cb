package apitype

import (
	"time"

	"github.com/left4me/left4me/internal/left4me"
)

// Blueprint is a reusable template for servers.
type Blueprint struct {
	ID        left4me.ID        `json:"id" doc:"Never reused: a later blueprint of the same name has another id"`
	Name      left4me.Name      `json:"name"`
	Overlays  []string          `json:"overlays" doc:"Top of the stack first: maps, or maps@3 to pin a revision"`
	Settings  left4me.Settings  `json:"settings" doc:"Passwords are removed for users who may not change the blueprint"`
	Servers   []left4me.Name    `json:"servers" doc:"Servers that use the blueprint"`
	Version   int               `json:"version" doc:"Incremented by each change"`
	Warnings  []left4me.Warning `json:"warnings" doc:"Problems that may keep its servers from starting; empty in lists"`
	CreatedAt time.Time         `json:"created_at"`
}

// NewBlueprint is the request to create a blueprint.
type NewBlueprint struct {
	Name     string           `json:"name"`
	Overlays []string         `json:"overlays,omitempty" doc:"Top of the stack first: maps, or maps@3 to pin a revision"`
	Settings left4me.Settings `json:"settings,omitempty"`
}

// BlueprintDefinition is the request to change a blueprint.
type BlueprintDefinition struct {
	Version  int              `json:"version,omitempty" doc:"Expected version: a newer one is a 409 conflict. Absent: not checked"`
	Overlays []string         `json:"overlays,omitzero"`
	Settings left4me.Settings `json:"settings,omitempty"`
}
