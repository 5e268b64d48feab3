//! Readers of directory folders: CSV, TOML, the admin center's exports, Graph JSON.
