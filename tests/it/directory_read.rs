//! Directory folders of every format, whole and broken, through real files.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use scimulator::diagnostic::Place;
use scimulator::directory::object::SourceObject;
use scimulator::directory::read::{
    AssignmentRow, MembershipRow, ReadOptions, ReadOutcome, RemovalRow, Sink, SinkError, read_folder,
};
use scimulator::expression::AttributeValue;

mod examples;
mod faults;
mod formats;

/// Keeps every row, with its place.
#[derive(Default)]
struct Rows {
    objects: Vec<(SourceObject, Place)>,
    removals: Vec<(RemovalRow, Place)>,
    memberships: Vec<(MembershipRow, Place)>,
    assignments: Vec<(AssignmentRow, Place)>,
}

impl Sink for Rows {
    fn object(&mut self, object: SourceObject, place: Place) -> Result<(), SinkError> {
        self.objects.push((object, place));
        Ok(())
    }

    fn removal(&mut self, row: RemovalRow, place: Place) -> Result<(), SinkError> {
        self.removals.push((row, place));
        Ok(())
    }

    fn membership(&mut self, row: MembershipRow, place: Place) -> Result<(), SinkError> {
        self.memberships.push((row, place));
        Ok(())
    }

    fn assignment(&mut self, row: AssignmentRow, place: Place) -> Result<(), SinkError> {
        self.assignments.push((row, place));
        Ok(())
    }
}

impl Rows {
    fn object(&self, label: &str) -> &SourceObject {
        let found = self.objects.iter().find(|(object, _)| object.label() == label);
        &found.unwrap_or_else(|| panic!("no `{label}`")).0
    }

    fn members(&self) -> Vec<(&str, &str)> {
        self.memberships.iter().map(|(row, _)| (row.group.as_str(), row.member.as_str())).collect()
    }

    fn assigned(&self) -> Vec<(&str, Option<&str>, Option<&str>)> {
        self.assignments
            .iter()
            .map(|(row, _)| (row.principal.as_str(), row.app_role.as_deref(), row.job.as_deref()))
            .collect()
    }
}

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/directory").join(name)
}

fn read(folder: &Path) -> (Rows, ReadOutcome) {
    let mut rows = Rows::default();
    let outcome = read_folder(folder, &ReadOptions::default(), &mut rows).unwrap();
    (rows, outcome)
}

/// A folder with these files in it.
fn folder<B: AsRef<[u8]>>(files: &[(&str, B)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    folder
}

/// The findings, one a line, files named below the folder.
fn findings(folder: &Path, outcome: &ReadOutcome) -> String {
    let mut text = String::new();
    for diagnostic in &outcome.diagnostics {
        writeln!(text, "{diagnostic}").unwrap();
    }
    text.replace(&format!("{}/", folder.display()), "").replace(&folder.display().to_string(), "FOLDER")
}

fn text(object: &SourceObject, name: &str) -> String {
    object.text(name).unwrap_or("(absent)").to_owned()
}

fn check_texts(object: &SourceObject, expected: &[(&str, &str)]) {
    for (name, value) in expected {
        assert_eq!(text(object, name), *value, "{name} of {}", object.label());
    }
}

fn list(values: &[&str]) -> AttributeValue {
    AttributeValue::List(values.iter().map(|value| (*value).to_owned()).collect())
}
