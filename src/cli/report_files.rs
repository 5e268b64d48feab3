//! Files that a command writes its reports to: looked at before it begins, written when it is over.

use std::path::{Path, PathBuf};

use super::{Exit, Failure};

/// Refuses, before anything is done, files that could not be written in the end: where there is no folder for one, and
/// where two are the same. Each with its option. Nor is one of those taken
/// that the command reads.
pub(super) fn check(files: &[(&str, Option<&PathBuf>)], read: &[&Path]) -> Result<(), Failure> {
    let usage = |message: String| Failure::new(Exit::Usage, message);
    let mut seen: Vec<(&str, PathBuf)> = Vec::new();
    for (option, file) in files.iter().filter_map(|(option, file)| Some((*option, (*file)?))) {
        let shown = file.display();
        let name = file.file_name().filter(|_| !file.is_dir());
        let name = name.ok_or_else(|| usage(format!("`{option} {shown}` is no file")))?;
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let folder = folder.canonicalize().map_err(|error| {
            usage(format!("can not write `{shown}`"))
                .because(&error)
                .help(format!("make the folder `{}` first", folder.display()))
        })?;
        let place = folder.join(name);
        if let Some((other, _)) = seen.iter().find(|(_, one)| *one == place) {
            return Err(usage(format!("`{other}` and `{option}` name the same file, `{shown}`"))
                .help("one report would take the place of the other"));
        }
        let is_toml = file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("toml"));
        if is_toml || read.iter().any(|read| read.canonicalize().is_ok_and(|read| read == place)) {
            return Err(usage(format!("`{shown}` is a scenario's name"))
                .help(format!("`{option}` would write a report over it")));
        }
        let was_there = file.exists();
        let opened = std::fs::OpenOptions::new().append(true).create(true).open(file).map(drop);
        opened
            .and_then(|()| if was_there { Ok(()) } else { std::fs::remove_file(file) })
            .map_err(|error| usage(format!("can not write `{shown}`")).because(&error))?;
        seen.push((option, place));
    }
    Ok(())
}

/// Writes a report.
pub(super) fn write(file: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(file, text).map_err(|error| {
        Failure::new(Exit::Usage, format!("can not write `{}`", file.display())).because(&error)
    })
}
