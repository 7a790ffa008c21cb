-- +goose Up
-- Id of the request that caused a job, for searches in the log. Empty for jobs older than this column.
ALTER TABLE job ADD COLUMN request_id TEXT NOT NULL DEFAULT '';
