//! The fidelity ledger's test; its name makes it the last test target to run, so that it can read what the others
//! covered. `ledger/README.md` says how a row is claimed.

#![cfg(test)]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use scimulator::ledger::{self, Row, SHEETS};
use serde::Deserialize;

#[path = "support/sources.rs"]
mod sources;

use sources::{module_of, root, rust_files};

/// Rows of each sheet of facts, by the letter of their ids. Ids never change, so neither do these.
const NUMBERED: [(char, usize); 5] = [('W', 230), ('E', 280), ('M', 199), ('G', 150), ('A', 55)];

/// Records of runs that ended this much before the present one began to be written are swept away.
const RECORD_KEPT: Duration = Duration::from_hours(24);

/// What `ledger/status.toml` says of one row.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Status {
    state: State,
    /// The key that chooses another behaviour, where it is not the sheet's.
    switch: Option<String>,
    /// Superseded wording and the like.
    note: Option<String>,
    /// Why the row cannot apply to a local tool; declined rows only.
    reason: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
enum State {
    #[serde(rename = "built")]
    Built,
    #[serde(rename = "declined")]
    Declined,
    #[serde(rename = "not built yet")]
    NotBuilt,
}

impl State {
    fn as_str(self) -> &'static str {
        match self {
            Self::Built => "built",
            Self::NotBuilt => "not built yet",
            Self::Declined => "declined",
        }
    }
}

type Statuses = BTreeMap<String, Status>;

fn statuses() -> Statuses {
    let text = std::fs::read_to_string(root().join("ledger/status.toml")).unwrap();
    toml::from_str(&text).unwrap_or_else(|error| panic!("ledger/status.toml: {error}"))
}

fn rows() -> BTreeMap<&'static str, Row> {
    SHEETS.iter().flat_map(|sheet| sheet.rows()).map(|row| (row.id, row)).collect()
}

/// A `covers!` in the sources.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Site {
    id: String,
    /// The crate it is compiled into: `scimulator` for the unit tests, else the test target.
    target: String,
    /// Module and function, such as `it::escrow::a_failed_create_is_tried_again`.
    test: String,
}

fn sites() -> Vec<Site> {
    ["src", "tests"].into_iter().flat_map(rust_files).flat_map(|source| sites_of(&source)).collect()
}

fn sites_of(source: &sources::Source) -> Vec<Site> {
    let module = module_of(&source.path);
    let in_tests = source.path.starts_with("tests/");
    let target = if in_tests { module.split("::").next().unwrap_or_default() } else { "scimulator" };
    let mut sites = Vec::new();
    for (at, call) in source.bare.match_indices("covers!(") {
        let function = source.bare.split_at(at).0.rsplit("fn ").next().unwrap_or_default();
        let name = function.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
        let test = format!("{module}::{name}");
        let arguments = at + call.len();
        let length = source.bare.split_at(arguments).1.find(')').expect("the sources compile");
        let arguments = source.code.split_at(arguments).1.split_at(length).0;
        let ids = arguments.split('"').skip(1).step_by(2);
        sites.extend(ids.map(|id| Site { id: id.to_owned(), target: target.to_owned(), test: test.clone() }));
    }
    sites
}

/// What the test executables of this run recorded: ids, each with the crates (`scimulator`, `it`) that covered it.
fn covered() -> BTreeMap<String, BTreeSet<String>> {
    let path = ledger::record_file().expect("cargo puts test executables into a folder `deps`");
    let mut covered: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in std::fs::read_to_string(&path).unwrap_or_default().lines() {
        let mut columns = line.split('\t');
        let (id, module) = (columns.next().unwrap(), columns.next().unwrap());
        let name = module.split("::").next().unwrap();
        covered.entry(id.to_owned()).or_default().insert(name.to_owned());
    }
    sweep(&path);
    covered
}

/// Removes the records of runs long past.
fn sweep(present: &Path) {
    let modified = |path: &Path| path.metadata().and_then(|data| data.modified()).ok();
    let Some(now) = modified(present) else { return };
    for entry in present.parent().unwrap().read_dir().unwrap().flatten() {
        let age = modified(&entry.path()).and_then(|then| now.duration_since(then).ok());
        if age.is_some_and(|age| RECORD_KEPT < age) {
            // Another run may have swept it already.
            drop(std::fs::remove_file(entry.path()));
        }
    }
}

fn complain(findings: &[String]) {
    assert!(findings.is_empty(), "\n\n{}\n", findings.join("\n"));
}

#[test]
fn the_sheets_are_whole() {
    let mut findings = Vec::new();
    let mut seen = BTreeSet::new();
    for sheet in SHEETS {
        for (number, line) in sheet.lines().enumerate() {
            let place = format!("ledger/behaviours-{}.tsv:{}", sheet.name, number + 2);
            if line.split('\t').count() != 5 {
                findings
                    .push(format!("{place}: a row has five columns: id, section, mark, switch, behaviour"));
            }
        }
        for row in sheet.rows() {
            let own = sheet.name == "own";
            if !seen.insert(row.id) {
                findings.push(format!("{}: the id stands twice", row.id));
            }
            if row.id.starts_with('X') != own {
                findings.push(format!("{}: ids X-… are for behaviours-own.tsv, and only they", row.id));
            }
            let known = matches!(row.mark, "D" | "O" | "V" | "I" | "X") || own && row.mark == "P";
            if !known {
                findings.push(format!("{}: `{}` is no mark", row.id, row.mark));
            }
        }
    }
    for (letter, count) in NUMBERED {
        for id in (1..=count).map(|number| format!("{letter}-{number:03}")) {
            if !seen.contains(id.as_str()) {
                findings.push(format!("{id}: the row is gone; ids never change"));
            }
        }
    }
    complain(&findings);
}

#[test]
fn every_status_fits_its_row() {
    let rows = rows();
    let finding = |(id, status): (String, Status)| match rows.get(id.as_str()) {
        Some(row) => misfit(row, &status).map(|misfit| format!("ledger/status.toml: {id}: {misfit}")),
        None => Some(format!("ledger/status.toml: `{id}` is in none of the sheets ledger/behaviours-*.tsv")),
    };
    complain(&statuses().into_iter().filter_map(finding).collect::<Vec<_>>());
}

/// Why a row cannot have this status; `None` when it can.
fn misfit(row: &Row, status: &Status) -> Option<String> {
    let blank = |text: &Option<String>| text.as_ref().is_none_or(|text| text.trim().is_empty());
    match status.state {
        State::Declined if blank(&status.reason) => {
            Some("declined without the reason why it cannot apply to a local tool".into())
        }
        State::Declined if !matches!(row.mark, "D" | "O") => {
            Some(format!("only rows marked D or O are declined; marked {}, it is `not built yet`", row.mark))
        }
        State::Built | State::NotBuilt if status.reason.is_some() => {
            Some("a reason is for declined rows; use `note`".into())
        }
        State::NotBuilt if blank(&status.note) => {
            Some("a row that is not built yet is listed only to carry a note".into())
        }
        State::Built | State::NotBuilt | State::Declined => None,
    }
}

#[test]
fn every_covers_names_a_known_row() {
    let unknown = |site: &Site| format!("{}: `{}` is in none of the sheets", site.test, site.id);
    complain(&sites().iter().filter(|site| !ledger::is_known(&site.id)).map(unknown).collect::<Vec<_>>());
}

#[test]
fn claims_and_what_this_run_covered_agree() {
    let covered = covered();
    let ran: BTreeSet<&String> = covered.values().flatten().collect();
    let sites = sites();
    for site in &sites {
        assert!(
            ran.contains(&site.target),
            "\n\n`{}` covers {}, but no test of `{}` reported to this run: it was filtered.\n\
             Claims are held against a whole run; run plain `cargo test`.\n",
            site.test,
            site.id,
            site.target
        );
    }
    complain(&disagreements(&statuses(), &covered.into_keys().collect(), &sites));
}

/// Rows built and not covered, rows covered and not built.
fn disagreements(statuses: &Statuses, covered: &BTreeSet<String>, sites: &[Site]) -> Vec<String> {
    let built = |id: &str| statuses.get(id).is_some_and(|status| status.state == State::Built);
    let mut findings = Vec::new();
    for id in statuses.keys().filter(|id| built(id) && !covered.contains(*id)) {
        let tests: Vec<_> =
            sites.iter().filter(|site| site.id == *id).map(|site| site.test.as_str()).collect();
        findings.push(match tests.as_slice() {
            [] => format!("{id} claims to be built, and no test says `covers!(\"{id}\")`"),
            _ => format!("{id} claims to be built, and what covers it did not run: {}", tests.join(", ")),
        });
    }
    let unclaimed: Vec<_> = covered.iter().filter(|id| !built(id)).collect();
    if !unclaimed.is_empty() {
        findings.push(
            "Tests of this run cover rows that nobody claims. If they are built, ledger/status.toml lacks:"
                .into(),
        );
        findings.extend(unclaimed.into_iter().map(|id| format!("{id} = {{ state = \"built\" }}")));
    }
    findings
}

#[test]
fn fidelity_md_is_fresh() {
    let path = root().join("FIDELITY.md");
    let text = fidelity(&statuses(), &sites());
    if std::env::var_os("SCIMULATOR_BLESS").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    assert!(
        std::fs::read_to_string(&path).unwrap_or_default() == text,
        "\n\nFIDELITY.md is stale; renew it with `SCIMULATOR_BLESS=1 cargo test --test zz_ledger fidelity`.\n"
    );
}

/// The text of `FIDELITY.md`.
fn fidelity(statuses: &Statuses, sites: &[Site]) -> String {
    let state = |row: &Row| statuses.get(row.id).map_or(State::NotBuilt, |status| status.state);
    let mut text = String::from(
        "# Fidelity\n\n\
         What is known of the Microsoft Entra provisioning service, behaviour by behaviour, and what Scimulator does of it.\n\
         Generated from `ledger/` and the `covers!` calls of the tests; `ledger/README.md` tells how, and what the marks mean:\n\
         **D** documented, **O** observed, **V** observed from Microsoft's validator, **I** inferred, **X** sources conflict,\n\
         **P** a rule of this project.\n\n\
         | sheet | mark | rows | built | not built yet | declined |\n| --- | --- | --- | --- | --- | --- |\n",
    );
    let count_line = |text: &mut String, sheet: &str, mark: &str, rows: &[Row]| {
        let count = |wanted: State| rows.iter().filter(|row| state(row) == wanted).count();
        let (built, not_built, declined) =
            (count(State::Built), count(State::NotBuilt), count(State::Declined));
        writeln!(text, "| {sheet} | {mark} | {} | {built} | {not_built} | {declined} |", rows.len()).unwrap();
    };
    for sheet in SHEETS {
        for mark in ["D", "O", "V", "I", "X", "P"] {
            let rows: Vec<_> = sheet.rows().filter(|row| row.mark == mark).collect();
            if !rows.is_empty() {
                count_line(&mut text, sheet.name, mark, &rows);
            }
        }
    }
    count_line(&mut text, "**all**", "", &SHEETS.iter().flat_map(|sheet| sheet.rows()).collect::<Vec<_>>());
    for sheet in SHEETS.iter().filter(|sheet| sheet.rows().next().is_some()) {
        write!(text, "\n## {}\n\n", sheet.name).unwrap();
        text.push_str("| id | section | mark | behaviour | state | switch | tests |\n");
        text.push_str("| --- | --- | --- | --- | --- | --- | --- |\n");
        for row in sheet.rows() {
            text.push_str(&row_line(&row, state(&row), statuses.get(row.id), sites));
        }
    }
    text
}

fn row_line(row: &Row, state: State, status: Option<&Status>, sites: &[Site]) -> String {
    let words = |field: fn(&Status) -> Option<&String>| status.and_then(field).map(String::as_str);
    let mut state = state.as_str().to_owned();
    for remark in
        [words(|status| status.reason.as_ref()), words(|status| status.note.as_ref())].into_iter().flatten()
    {
        write!(state, ": {}", cell(remark)).unwrap();
    }
    let switch = words(|status| status.switch.as_ref()).unwrap_or(row.switch);
    let switch = if switch.is_empty() { String::new() } else { format!("`{switch}`") };
    let tests: BTreeSet<_> =
        sites.iter().filter(|site| site.id == row.id).map(|site| format!("`{}`", site.test)).collect();
    let tests = tests.into_iter().collect::<Vec<_>>().join("<br>");
    format!(
        "| {} | {} | {} | {} | {state} | {switch} | {tests} |\n",
        row.id,
        row.section,
        row.mark,
        cell(row.behaviour)
    )
}

/// A sentence as a table cell: bars escaped, and outside of code what Markdown would take for markup.
fn cell(text: &str) -> String {
    let text = text.replace('|', "\\|");
    let parts = text.split('`').enumerate().map(|(index, part)| match index % 2 {
        0 => part.replace('<', "&lt;").replace('*', "\\*"),
        _ => part.to_owned(),
    });
    parts.collect::<Vec<_>>().join("`")
}

/// The checks, held against small cases of their own.
mod checks {
    use super::*;

    fn statuses_of(text: &str) -> Statuses {
        toml::from_str(text).unwrap()
    }

    fn site(id: &str) -> Site {
        Site { id: id.into(), target: "it".into(), test: "it::users::a_leaver_is_disabled".into() }
    }

    #[test]
    fn sites_are_found_with_their_function_and_not_in_comments_or_strings() {
        let text = r##"
            // covers!("W-001");
            fn other() { let _ = "covers!(\"W-002\")"; }
            #[test]
            fn a_leaver_is_disabled() {
                assert!('"' != '\''); /* covers!("W-003") */
                scimulator::covers!(
                    "W-004",
                    "E-005", // said twice
                );
                let _ = r#"covers!("W-006")"#;
            }
        "##;
        let found = sites_of(&sources::Source::new("tests/it/users.rs", text));
        assert_eq!(found, [site("W-004"), site("E-005")]);
    }

    #[test]
    fn a_claim_needs_a_run_test_and_a_run_test_a_claim() {
        let statuses = statuses_of(
            "W-001 = { state = \"built\" }\nW-002 = { state = \"built\" }\nW-003 = { state = \"built\" }\n\
             W-004 = { state = \"not built yet\", note = \"half\" }",
        );
        let covered = ["W-001", "W-004", "W-005"].map(str::to_owned).into();
        assert_eq!(
            disagreements(&statuses, &covered, &[site("W-001"), site("W-003"), site("W-004")]),
            [
                "W-002 claims to be built, and no test says `covers!(\"W-002\")`",
                "W-003 claims to be built, and what covers it did not run: it::users::a_leaver_is_disabled",
                "Tests of this run cover rows that nobody claims. If they are built, ledger/status.toml lacks:",
                "W-004 = { state = \"built\" }",
                "W-005 = { state = \"built\" }",
            ]
        );
    }

    #[test]
    fn a_status_says_what_it_must_and_only_that() {
        let check = |mark: &'static str, status: &str| {
            let row = Row { id: "W-001", section: "4.2", mark, switch: "", behaviour: "" };
            misfit(&row, &toml::from_str(status).unwrap())
        };
        assert_eq!(check("I", "state = \"built\""), None);
        assert_eq!(check("I", "state = \"not built yet\"\nnote = \"half\""), None);
        assert_eq!(check("O", "state = \"declined\"\nreason = \"no tenant\""), None);
        for (mark, status) in [
            ("D", "state = \"declined\""),
            ("D", "state = \"declined\"\nreason = \" \""),
            ("I", "state = \"declined\"\nreason = \"no tenant\""),
            ("D", "state = \"built\"\nreason = \"no tenant\""),
            ("D", "state = \"not built yet\""),
        ] {
            assert!(check(mark, status).is_some(), "{mark} {status}");
        }
        assert!(toml::from_str::<Statuses>("W-001 = { state = \"done\" }").is_err());
        assert!(
            toml::from_str::<Statuses>("W-001 = { state = \"built\" }\nW-001 = { state = \"built\" }")
                .is_err()
        );
    }

    #[test]
    fn a_row_is_written_with_its_state_switch_and_tests() {
        let row =
            Row { id: "W-001", section: "4.2", mark: "D", switch: "theirs", behaviour: "`a|<b>` or <c>" };
        let statuses = statuses_of("W-001 = { state = \"built\", switch = \"ours\", note = \"was: no\" }");
        assert_eq!(
            row_line(&row, State::Built, statuses.get("W-001"), &[site("W-001"), site("W-002")]),
            "| W-001 | 4.2 | D | `a\\|<b>` or &lt;c> | built: was: no | `ours` | `it::users::a_leaver_is_disabled` |\n"
        );
        let bare = "| W-001 | 4.2 | D | `a\\|<b>` or &lt;c> | not built yet | `theirs` |  |\n";
        assert_eq!(row_line(&row, State::NotBuilt, None, &[]), bare);
    }
}
