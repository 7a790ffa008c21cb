-- +goose Up
-- The newest rollout of a scheduled revision of each overlay.
CREATE TABLE content_restart (
  overlay    TEXT    PRIMARY KEY REFERENCES overlay(name) ON DELETE CASCADE, -- a new rollout replaces the previous one
  revision   INTEGER NOT NULL,
  mode       TEXT    NOT NULL,            -- empty or HH:MM
  state      TEXT    NOT NULL,            -- running, done, failed or cancelled
  reason     TEXT    NOT NULL,            -- why it ended
  created_at INTEGER NOT NULL,
  ended_at   INTEGER,
  moves      TEXT    NOT NULL             -- JSON array, the restart of each server
) STRICT, WITHOUT ROWID;
