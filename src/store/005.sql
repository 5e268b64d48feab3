-- Version 5. What a job has to tell people, and who changed what about it.

CREATE TABLE mail (
  id        INTEGER PRIMARY KEY AUTOINCREMENT,
  job       TEXT NOT NULL,
  at        TEXT NOT NULL,                   -- when it became due
  occasion  TEXT NOT NULL CHECK (occasion IN ('quarantined', 'reason-changed', 'disabled')),
  recipient TEXT NOT NULL,
  subject   TEXT NOT NULL,
  body      TEXT NOT NULL,
  delivered TEXT                             -- when it was; NULL: not yet
) STRICT;
CREATE INDEX mail_owed ON mail (job) WHERE delivered IS NULL;

CREATE TABLE audit (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  job        TEXT NOT NULL,
  at         TEXT NOT NULL,
  cycle      INTEGER,                        -- NULL: not part of a run
  activity   TEXT NOT NULL,
  kind       TEXT CHECK (kind IN ('User', 'Group')),
  source_id  TEXT,                           -- the object it is about; NULL: about the job
  label      TEXT,
  error_code TEXT,
  event_name TEXT,
  details    TEXT NOT NULL
) STRICT;
CREATE INDEX audit_of_job ON audit (job, at);
