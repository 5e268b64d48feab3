//! What broken folders give: every fault with its place, and never a panic.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;

use scimulator::diagnostic::{Place, Severity, has_errors};
use scimulator::directory::object::SourceObject;
use scimulator::directory::read::{
    AssignmentRow, EXTRA_FILE_BYTES_MAX, ID_CHARS_MAX, MembershipRow, ReadOptions, RemovalRow, Sink,
    SinkError, read_folder, stat_folder,
};

use super::{data, findings, folder, read};

#[derive(serde::Deserialize)]
struct Faults {
    case: Vec<FaultCase>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct FaultCase {
    name: String,
    files: BTreeMap<String, String>,
    #[serde(default)]
    want: Vec<String>,
    /// Places only: the words are those of a package.
    #[serde(default)]
    want_at: Vec<String>,
    help: Option<String>,
}

#[test]
fn every_broken_folder_is_refused_with_the_place_of_each_fault() {
    let Faults { case: cases } = toml::from_str(&fs::read_to_string(data("faults.toml")).unwrap()).unwrap();
    let mut wrong = String::new();
    for case in cases {
        let files: Vec<(&str, &String)> =
            case.files.iter().map(|(name, text)| (name.as_str(), text)).collect();
        let folder = folder(&files);
        let (_, mut outcome) = read(folder.path());
        assert!(has_errors(&outcome.diagnostics), "{}", case.name);
        outcome.diagnostics.retain(|diagnostic| diagnostic.severity == Severity::Error);
        let help = outcome.diagnostics[0].help.clone().unwrap_or_default();
        if case.help.as_ref().is_some_and(|part| !help.contains(part)) {
            writeln!(wrong, "{}: help: {help}", case.name).unwrap();
        }
        for diagnostic in &mut outcome.diagnostics {
            diagnostic.help = None;
        }
        let got = findings(folder.path(), &outcome);
        let got: Vec<&str> = got.lines().collect();
        let agree = if case.want_at.is_empty() {
            got == case.want
        } else {
            got.len() == case.want_at.len()
                && got.iter().zip(&case.want_at).all(|(got, at)| got.starts_with(at))
        };
        if !agree {
            writeln!(wrong, "{}: got\n  {}", case.name, got.join("\n  ")).unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn bytes_that_are_no_text_are_refused_with_their_place() {
    let latin_1 = b"userPrincipalName,displayName\na@example.com,Zo\xEB\n".to_vec();
    let utf_32: Vec<u8> = "\u{FEFF}user".chars().flat_map(|c| u32::from(c).to_le_bytes()).collect();
    let half: Vec<u8> = b"\xFF\xFEu\0s\0e".to_vec();
    for (bytes, place, words, help) in [
        (latin_1, "users.csv:2:17: ", "byte 47 (0xEB) of the file is not UTF-8", "CSV UTF-8"),
        (utf_32, "users.csv:1:1: ", "UTF-32", "save it as UTF-8"),
        (half, "users.csv:1:3: ", "is not UTF-16LE", "cut off"),
        (b"PK\x03\x04workbook".to_vec(), "users.csv:1:1: ", "workbook", "Save As"),
        (b"u\0s\0e\0r\0".to_vec(), "users.csv:1:2: ", "NUL", "byte order mark"),
    ] {
        let folder = folder(&[("users.csv", bytes)]);
        let (rows, outcome) = read(folder.path());
        let text = findings(folder.path(), &outcome);
        assert!(text.starts_with(place) && text.contains(words) && text.contains(help), "{text}");
        assert_eq!(text.matches("error:").count(), 1, "{text}");
        assert_eq!(rows.objects.len(), 0);
    }
}

#[test]
fn a_missing_folder_and_what_is_no_file_are_refused() {
    let empty = tempfile::tempdir().unwrap();
    let missing = empty.path().join("directory");
    let (_, outcome) = read(&missing);
    assert!(findings(&missing, &outcome).starts_with("FOLDER: error: the directory folder does not exist\n"));
    assert!(stat_folder(&missing).is_err());

    let folder = folder(&[("users.csv/x", "")]);
    let (_, outcome) = read(folder.path());
    assert!(findings(folder.path(), &outcome).starts_with("users.csv: error: this is not a regular file\n"));

    let (_, outcome) = read(&folder.path().join("users.csv/x"));
    assert!(has_errors(&outcome.diagnostics), "a file in the place of the folder");
}

#[test]
fn a_link_to_nowhere_and_a_pipe_are_refused() {
    let folder = folder(&[("members.csv", "group,member\n")]);
    std::os::unix::fs::symlink("nowhere", folder.path().join("users.csv")).unwrap();
    std::os::unix::net::UnixListener::bind(folder.path().join("groups.csv")).unwrap();
    let (_, outcome) = read(folder.path());
    let text = findings(folder.path(), &outcome);
    assert!(text.contains("users.csv: error: the file cannot be read: "), "{text}");
    assert!(text.contains("groups.csv: error: this is not a regular file\n"), "{text}");
    assert_eq!(text.matches("error:").count(), 2, "{text}");
}

#[test]
fn a_file_of_an_unknown_name_is_not_passed_over_in_silence() {
    let folder = folder(&[
        ("users.csv", "userPrincipalName\na@example.com\n"),
        ("asignments.csv", "principal\na@example.com\n"),
        ("exportGroupMembers_2026.csv", "id\n1\n"),
        ("members/Sales.json", "[]"),
        (".~lock.users.csv#", "x"),
        ("~$users.csv", "x"),
        ("README.md", "x"),
    ]);
    let (_, outcome) = read(folder.path());
    assert!(!has_errors(&outcome.diagnostics));
    let text = findings(folder.path(), &outcome);
    let warned: Vec<&str> =
        text.lines().filter_map(|line| line.split_once(": warning: ")).map(|(at, _)| at).collect();
    assert_eq!(warned, ["asignments.csv", "exportGroupMembers_2026.csv", "members/Sales.json"]);
    assert!(text.contains("did you mean `assignments.csv`?"), "{text}");
}

#[test]
fn columns_that_are_not_read_are_named() {
    let folder = folder(&[
        ("users.csv", "userPrincipalName\na@example.com\n"),
        ("assignments.csv", "Principal,app_role\na@example.com,Admin\n"),
    ]);
    let (rows, outcome) = read(folder.path());
    assert_eq!(
        findings(folder.path(), &outcome),
        "assignments.csv:1:11: warning: the column `app_role` is not read\n  help: did you mean `appRole`?\n"
    );
    assert_eq!(rows.assigned(), [("a@example.com", None, None)]);
}

#[test]
fn findings_past_the_limit_are_counted() {
    for (faulty, last) in
        [(50, "users.csv:51:"), (51, "error: and 1 more error"), (1_000, "error: and 950 more errors")]
    {
        let rows = "x\n".repeat(faulty);
        let folder = folder(&[("users.csv", format!("userPrincipalName,displayName\n{rows}"))]);
        let (_, outcome) = read(folder.path());
        assert_eq!(outcome.diagnostics.len(), faulty.min(51));
        let text = outcome.diagnostics.last().unwrap().to_string();
        assert!(text.replace(&format!("{}/", folder.path().display()), "").starts_with(last), "{text}");
    }
}

#[test]
fn exactly_twenty_expanded_members_raise_a_doubt() {
    let members = |count: usize| {
        let ids: Vec<String> = (0..count).map(|id| format!("{{\"id\": \"m{id}\"}}")).collect();
        format!("[{{\"id\": \"g\", \"displayName\": \"G\", \"members\": [{}]}}]", ids.join(","))
    };
    for (count, warnings) in [(19, 0), (20, 1), (21, 0)] {
        let folder = folder(&[
            ("users.csv", "userPrincipalName\na@example.com\n".to_owned()),
            ("groups.json", members(count)),
        ]);
        let (rows, outcome) = read(folder.path());
        assert_eq!((rows.memberships.len(), outcome.diagnostics.len()), (count, warnings));
    }
}

#[test]
fn the_longest_object_id_is_taken_and_a_longer_one_is_not() {
    for (length, errors) in [(ID_CHARS_MAX, 0), (ID_CHARS_MAX + 1, 1)] {
        let id = "é".repeat(length);
        let folder = folder(&[("users.csv", format!("id,userPrincipalName\n{id},a@example.com\n"))]);
        let (rows, outcome) = read(folder.path());
        assert_eq!((rows.objects.len(), outcome.diagnostics.len()), (1 - errors, errors), "{length}");
    }
}

#[test]
fn a_second_file_too_large_to_hold_is_refused_unread() {
    let folder = folder(&[("users.csv", "userPrincipalName\na@example.com\n")]);
    let file = fs::File::create(folder.path().join("users.extra.csv")).unwrap();
    // A file of holes reads as NUL characters, which is what is wrong with it as long as it is read at all.
    for (bytes, words) in
        [(EXTRA_FILE_BYTES_MAX, "a NUL character"), (EXTRA_FILE_BYTES_MAX + 1, "larger than 268435456 bytes")]
    {
        file.set_len(bytes).unwrap();
        let (_, outcome) = read(folder.path());
        let text = findings(folder.path(), &outcome);
        assert!(text.starts_with("users.extra.csv:1:1: error: ") && text.contains(words), "{text}");
    }
}

/// Takes so many rows and no more.
struct Full(usize);

impl Full {
    fn take(&mut self) -> Result<(), SinkError> {
        self.0 = self.0.checked_sub(1).ok_or_else(|| SinkError("the disk is full".into()))?;
        Ok(())
    }
}

impl Sink for Full {
    fn object(&mut self, _: SourceObject, _: Place) -> Result<(), SinkError> {
        self.take()
    }
    fn removal(&mut self, _: RemovalRow, _: Place) -> Result<(), SinkError> {
        self.take()
    }
    fn membership(&mut self, _: MembershipRow, _: Place) -> Result<(), SinkError> {
        self.take()
    }
    fn assignment(&mut self, _: AssignmentRow, _: Place) -> Result<(), SinkError> {
        self.take()
    }
}

#[test]
fn a_failing_sink_ends_the_reading_as_its_own_kind_of_failure() {
    for (name, rows) in [("downloads", 6), ("graph", 8), ("toml", 9)] {
        let read = |rows| read_folder(&data(name), &ReadOptions::default(), &mut Full(rows));
        for taken in 0..rows {
            let error = read(taken).unwrap_err();
            assert_eq!(error.to_string(), "cannot take a row of the directory: the disk is full");
        }
        assert!(!has_errors(&read(rows).unwrap().diagnostics));
    }
}

/// Steps of a fixed sequence (`SplitMix64`), so that every run tries the same mutations.
fn next(state: &mut u64) -> usize {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    usize::try_from((z ^ (z >> 31)) >> 33).unwrap()
}

#[test]
fn no_bytes_make_a_reader_panic() {
    const TRIES: usize = 300;
    let mut state = 7;
    for (sample, name) in [
        ("export_a/exportUsers_2026-8-1.csv", "users.csv"),
        ("export_a/users.extra.csv", "users.extra.csv"),
        ("bulk_create/users.csv", "users.csv"),
        ("downloads/members/Sales.csv", "members/Sales.csv"),
        ("graph/users-1.json", "users.json"),
        ("graph/groups.json", "groups.json"),
        ("toml/directory.toml", "directory.toml"),
    ] {
        let whole = fs::read(data(sample)).unwrap();
        let folder = folder(&[(name, &whole)]);
        if name != "users.csv" && name != "users.json" && name != "directory.toml" {
            fs::write(folder.path().join("users.csv"), "userPrincipalName\na@example.com\n").unwrap();
        }
        for _ in 0..TRIES {
            let mut bytes = whole.clone();
            for _ in 0..=next(&mut state) % 3 {
                let at = next(&mut state) % bytes.len();
                let odd =
                    [0, b'"', b'\n', b',', b';', b'[', b'{', b'\\', 0xC3, 0xFF, 0xFE][next(&mut state) % 11];
                match next(&mut state) % 5 {
                    0 => bytes[at] = odd,
                    1 => bytes.insert(at, odd),
                    2 => drop(bytes.remove(at)),
                    3 => bytes.truncate(at.max(1)),
                    _ => bytes.swap(at, 0),
                }
            }
            fs::write(folder.path().join(name), &bytes).unwrap();
            let (rows, outcome) = read(folder.path());
            // Every row handed over was counted, whatever else is wrong.
            let counted = outcome.counts.users + outcome.counts.groups;
            assert_eq!(u64::try_from(rows.objects.len()).unwrap(), counted);
            for diagnostic in &outcome.diagnostics {
                assert!(diagnostic.place.is_some() || diagnostic.message.starts_with("and "), "{diagnostic}");
            }
        }
    }
}
