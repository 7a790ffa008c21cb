-- +goose Up
-- How servers move over to a revision that came by itself.
CREATE TABLE content_restart (
  overlay    TEXT    PRIMARY KEY REFERENCES overlay(name) ON DELETE CASCADE, -- a newer one replaces what is there
  revision   INTEGER NOT NULL,
  mode       TEXT    NOT NULL,            -- empty or HH:MM
  state      TEXT    NOT NULL,            -- running, done, failed or cancelled
  reason     TEXT    NOT NULL,            -- why it ended as it did
  created_at INTEGER NOT NULL,
  ended_at   INTEGER,
  moves      TEXT    NOT NULL             -- JSON array, what was done with which server
) STRICT, WITHOUT ROWID;
