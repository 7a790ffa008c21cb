-- +goose Up
ALTER TABLE server ADD COLUMN overlays TEXT NOT NULL DEFAULT '[]'; -- JSON array, over those of the blueprint, top first

CREATE TABLE overlay (
  name       TEXT    PRIMARY KEY,
  kind       TEXT    NOT NULL,
  definition TEXT    NOT NULL,            -- JSON: left4me.Overlay
  version    INTEGER NOT NULL,            -- counts its changes
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  looked_at  INTEGER,                     -- when somebody last looked for something newer
  deleted_at INTEGER                      -- it is set aside, and can be taken back for some days
) STRICT, WITHOUT ROWID;

CREATE TABLE overlay_script (
  overlay    TEXT    NOT NULL REFERENCES overlay(name) ON DELETE CASCADE,
  version    INTEGER NOT NULL,
  text       TEXT    NOT NULL,
  asked_by   TEXT    NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (overlay, version)
) STRICT, WITHOUT ROWID;
