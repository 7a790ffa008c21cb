-- +goose Up
-- The id of the request that asked for a job, by which the log is searched; empty: the
-- job is older than this column.
ALTER TABLE job ADD COLUMN request_id TEXT NOT NULL DEFAULT '';
