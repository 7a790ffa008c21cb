-- +goose Up
-- How the servers of a host move over to another build of the game.
CREATE TABLE rollout (
  host       TEXT    PRIMARY KEY,         -- a newer one replaces what is there
  mode       TEXT    NOT NULL,            -- now, empty or HH:MM
  job        TEXT    NOT NULL,            -- the job on the game whose end begins it
  build      INTEGER NOT NULL,            -- that servers move to; 0 until it has begun
  state      TEXT    NOT NULL,
  reason     TEXT    NOT NULL,            -- why it ended as it did
  asked_by   TEXT    NOT NULL,
  created_at INTEGER NOT NULL,
  begun_at   INTEGER,                     -- from when on servers may move
  ended_at   INTEGER,
  moves      TEXT    NOT NULL             -- JSON array, what was done with which server
) STRICT, WITHOUT ROWID;

-- When a host looks for newer builds, and what happens when there is one.
CREATE TABLE game_policy (
  host        TEXT    PRIMARY KEY,
  check_every INTEGER NOT NULL,           -- seconds; 0 is never
  auto_update INTEGER NOT NULL,
  update_at   TEXT    NOT NULL,           -- HH:MM; empty is at once
  restart     TEXT    NOT NULL            -- how servers move over: never, now, empty or HH:MM
) STRICT, WITHOUT ROWID;
