-- +goose Up
-- Starts, stops and restarts of several servers, which may wait for players to leave or for one another.
CREATE TABLE bulk_act (
  id           TEXT    PRIMARY KEY,         -- ids sort by creation time
  kind         TEXT    NOT NULL,            -- kind of the jobs
  mode         TEXT    NOT NULL,            -- now, empty or one-by-one
  state        TEXT    NOT NULL,            -- running, done, failed or cancelled
  cancelled_by TEXT    NOT NULL,            -- displayed name of the user
  asked_by     TEXT    NOT NULL,
  asked_by_id  TEXT    NOT NULL,
  asked_kind   TEXT    NOT NULL,
  asked_token  TEXT    NOT NULL,
  request_id   TEXT    NOT NULL,
  created_at   INTEGER NOT NULL,
  ended_at     INTEGER,
  servers      TEXT    NOT NULL             -- JSON array, in order
) STRICT, WITHOUT ROWID;
CREATE INDEX bulk_act_running ON bulk_act(id) WHERE state = 'running';
