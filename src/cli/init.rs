//! `init`: a configuration, a small directory and a first scenario to start from.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::arguments::InitArguments;
use super::context::Context;
use super::{Exit, Failure};
use crate::gallery::{deletes_users, pinned_dialect};
use crate::scim::style::Dialect;

/// Path and text of each file. `{app}` stands for the app profile, `{disabled}` for the value of a disable, `{purged}`
/// for whether a purge sends requests.
const FILES: [(&str, &str); 6] = [
    ("scimulator.toml", include_str!("init/scimulator.toml")),
    ("directory/users.csv", include_str!("init/users.csv")),
    ("directory/groups.csv", include_str!("init/groups.csv")),
    ("directory/members.csv", include_str!("init/members.csv")),
    ("directory/assignments.csv", include_str!("init/assignments.csv")),
    ("scenarios/first.toml", include_str!("init/first.toml")),
];

pub(super) fn run(context: &Context, arguments: &InitArguments) -> Result<Exit, Failure> {
    let files: Vec<(PathBuf, String)> = FILES
        .iter()
        .map(|(path, text)| {
            let app = arguments.app.as_str();
            let purged = if deletes_users(app) { "requests" } else { "no_requests" };
            let text =
                text.replace("{app}", app).replace("{disabled}", disabled(app)).replace("{purged}", purged);
            (place(&arguments.dir, path), text)
        })
        .collect();
    let in_the_way: Vec<String> =
        files.iter().filter(|(path, _)| path.exists()).map(|(path, _)| path.display().to_string()).collect();
    if !in_the_way.is_empty() {
        let message = format!("nothing was written, since there is already: {}", in_the_way.join(", "));
        return Err(Failure::new(Exit::Usage, message).help("name another folder: `scimulator init DIR`"));
    }
    for (path, text) in &files {
        write_new(path, text).map_err(|error| {
            Failure::new(Exit::Usage, format!("can not write `{}`", path.display())).because(&error)
        })?;
    }
    let written: Vec<String> = files.iter().map(|(path, _)| path.display().to_string()).collect();
    if context.output.is_json() {
        context.output.json(&json!({ "written": written }))?;
    } else {
        context.output.text(&written.join("\n"))?;
        context.output.note(&format!(
            "next: scimulator -c {} check",
            quoted(written.first().map_or("", String::as_str))
        ));
    }
    Ok(Exit::Fine)
}

/// What the value of a disable looks like to an app, in TOML: the dialect of 2018 wraps it (`wire.md 4.4`).
fn disabled(app: &str) -> &'static str {
    match pinned_dialect(app) {
        Some(Dialect::Legacy2018) => "[{ value = \"False\" }]",
        Some(Dialect::Default | Dialect::Optscim) | None => "\"False\"",
    }
}

/// A word of a command line, in quotes where a shell would take it apart.
pub(super) fn quoted(word: &str) -> String {
    let plain = |character: char| character.is_alphanumeric() || "-_./:\\".contains(character);
    if word.chars().all(plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

/// The path as a person would write it: no `./` before it.
fn place(dir: &Path, path: &str) -> PathBuf {
    if dir == Path::new(".") { PathBuf::from(path) } else { dir.join(path) }
}

/// Writes a file that must not exist, and the folders above it.
pub(super) fn write_new(path: &Path, text: &str) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    OpenOptions::new().write(true).create_new(true).open(path)?.write_all(text.as_bytes())
}
