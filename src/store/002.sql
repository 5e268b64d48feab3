-- Version 2. A job's schema as it was imported; without a row the job's profile holds.

CREATE TABLE job_schema (
  job      TEXT PRIMARY KEY,
  document TEXT NOT NULL                     -- synchronizationSchema, JSON
) STRICT, WITHOUT ROWID;
