-- +goose Up
-- The newest rollout of a game build on each host.
CREATE TABLE rollout (
  host       TEXT    PRIMARY KEY,         -- a new rollout replaces the previous one
  mode       TEXT    NOT NULL,            -- now, empty or HH:MM
  job        TEXT    NOT NULL,            -- job on the game whose end starts the rollout
  build      INTEGER NOT NULL,            -- target build; 0 before the rollout has started
  state      TEXT    NOT NULL,
  reason     TEXT    NOT NULL,            -- why it ended
  asked_by   TEXT    NOT NULL,
  created_at INTEGER NOT NULL,
  begun_at   INTEGER,                     -- when the rollout started
  ended_at   INTEGER,
  moves      TEXT    NOT NULL             -- JSON array, the restart of each server
) STRICT, WITHOUT ROWID;

-- When a host checks for newer builds, and whether it installs them.
CREATE TABLE game_policy (
  host        TEXT    PRIMARY KEY,
  check_every INTEGER NOT NULL,           -- seconds; 0: never
  auto_update INTEGER NOT NULL,
  update_at   TEXT    NOT NULL,           -- HH:MM; empty: immediately
  restart     TEXT    NOT NULL            -- rollout mode: never, now, empty or HH:MM
) STRICT, WITHOUT ROWID;
