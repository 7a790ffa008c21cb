-- +goose Up
-- The last lines that a job printed, a JSON array.
ALTER TABLE job ADD COLUMN log TEXT NOT NULL DEFAULT '[]';
