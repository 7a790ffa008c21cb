-- +goose Up
ALTER TABLE server ADD COLUMN overlays TEXT NOT NULL DEFAULT '[]'; -- JSON array, stacked above those of the blueprint, top first

CREATE TABLE overlay (
  name       TEXT    PRIMARY KEY,
  kind       TEXT    NOT NULL,
  definition TEXT    NOT NULL,            -- JSON: left4me.Overlay
  version    INTEGER NOT NULL,            -- number of changes
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  looked_at  INTEGER,                     -- last check for a newer version
  deleted_at INTEGER                      -- deleted overlays can be restored for some days
) STRICT, WITHOUT ROWID;

CREATE TABLE overlay_script (
  overlay    TEXT    NOT NULL REFERENCES overlay(name) ON DELETE CASCADE,
  version    INTEGER NOT NULL,
  text       TEXT    NOT NULL,
  asked_by   TEXT    NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (overlay, version)
) STRICT, WITHOUT ROWID;
