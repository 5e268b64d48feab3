-- Version 3. What a running service is asked to do by other processes.

CREATE TABLE command (
  id     INTEGER PRIMARY KEY AUTOINCREMENT,
  asked  TEXT NOT NULL,                      -- JSON
  answer TEXT                                -- JSON, NULL: not carried out yet
) STRICT;
