//! The documents, held against what they describe.

use std::path::Path;

use rusqlite::Connection;

use crate::common::Project;
use crate::sources::root;

fn page(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The blocks of a page in this language.
fn blocks(page: &str, language: &str) -> Vec<String> {
    let fence = format!("```{language}\n");
    let blocks = page.split(&fence).skip(1).map(|rest| rest.split("```").next().unwrap_or_default());
    blocks.map(str::to_owned).collect()
}

/// The words between backticks in a part of a page, from one heading to the next.
fn words(page: &str, heading: &str) -> Vec<String> {
    let part = page.split(heading).nth(1).unwrap_or_else(|| panic!("no `{heading}`"));
    let part = part.split("\n## ").next().unwrap_or_default();
    // What a fence of three encloses has lines; a word has none.
    part.split('`').skip(1).step_by(2).filter(|word| !word.contains('\n')).map(str::to_owned).collect()
}

/// A copy of the Contoso example after a cycle into the embedded app, and its state.
fn contoso() -> (Project, Connection) {
    let project = Project::with([("scimulator.toml", &page("examples/contoso/scimulator.toml"))]);
    let files = std::fs::read_dir(root().join("examples/contoso/directory")).unwrap();
    for file in files.map(|file| file.unwrap().file_name().into_string().unwrap()) {
        let path = format!("directory/{file}");
        project.write(&path, &page(&format!("examples/contoso/{path}")));
    }
    project.scimulator(["cycle"]).assert().success();
    let state = Connection::open(project.path("state/scimulator.db")).unwrap();
    (project, state)
}

/// The first column of every row that a query gives.
fn first_column(state: &Connection, sql: &str) -> Vec<String> {
    let mut statement = state.prepare(sql).unwrap_or_else(|error| panic!("{error}: {sql}"));
    let rows = statement.query_map([], |row| Ok(format!("{:?}", row.get_ref(0)?))).unwrap();
    rows.collect::<Result<_, _>>().unwrap_or_else(|error| panic!("{error}: {sql}"))
}

#[test]
fn the_page_of_commands_names_every_one() {
    let commands = words(&page("docs/commands.md"), "\n## All of them");
    for command in scimulator::cli::command().get_subcommands() {
        let name = command.get_name();
        let named = commands.iter().any(|word| word.split(' ').next() == Some(name));
        assert!(named, "`{name}` has no line in the table of commands");
    }
}

#[test]
fn the_page_on_the_service_names_every_event_of_its_log() {
    let documented = words(&page("docs/service.md"), "\n## The log");
    let told = page("src/daemon/told.rs") + &page("src/cli/run.rs");
    let events: Vec<&str> =
        told.split("event = \"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert!(15 <= events.len(), "{events:?}");
    for event in events.into_iter().filter(|event| *event != "exchange") {
        assert!(documented.iter().any(|word| word == event), "`{event}` is not on the page");
    }
}

#[test]
fn the_page_on_the_state_names_every_table_and_column() {
    let page = page("docs/state.md");
    let (_project, state) = contoso();
    let mut statement = state
        .prepare(
            "SELECT t.name, c.name FROM sqlite_schema t, pragma_table_xinfo(t.name) c
              WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite%'",
        )
        .unwrap();
    let columns = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    let mut seen = 0;
    for (table, column) in columns.map(|column: Result<(String, String), _>| column.unwrap()) {
        let sections = page.split("\n### ").skip(1);
        let mut named =
            sections.filter(|section| section.lines().next().unwrap().contains(&format!("`{table}`")));
        let section = named.next().unwrap_or_else(|| panic!("`{table}` has no section"));
        // What tables have in common is said once, above them.
        let common = ["job", "kind", "cycle", "source_id"].contains(&column.as_str());
        assert!(common || section.contains(&format!("`{column}`")), "`{table}.{column}`");
        seen += 1;
    }
    assert!(80 <= seen, "{seen} columns");
}

#[test]
fn the_queries_of_the_page_on_the_state_run_as_they_are() {
    let (_project, state) = contoso();
    let queries = blocks(&page("docs/state.md"), "sql");
    assert!(5 <= queries.len(), "{} queries", queries.len());
    let answers: Vec<usize> = queries.iter().map(|sql| first_column(&state, sql).len()).collect();
    // Nothing failed and nothing waits; everything else has rows to show.
    let empty: Vec<&String> =
        queries.iter().zip(&answers).filter(|(_, rows)| **rows == 0).map(|it| it.0).collect();
    assert_eq!(empty.len(), 2, "{empty:?}");
    assert!(empty[0].contains("FROM escrow") && empty[1].contains("FROM change"), "{empty:?}");
}

/// The doctest is what compiles; lines that begin with `#` and a space are not shown.
#[test]
fn the_page_on_scenarios_has_the_test_that_is_compiled() {
    let source = page("src/scenario.rs").replace("//! ", "").replace("//!", "");
    let [compiled] = blocks(&source, "no_run").try_into().unwrap();
    let shown: Vec<&str> = compiled.lines().filter(|line| !line.starts_with("# ")).collect();
    let [block] = blocks(&page("docs/scenarios.md"), "rust").try_into().unwrap();
    assert_eq!(block.lines().collect::<Vec<_>>(), shown);
}

#[test]
fn the_map_of_the_code_names_every_module() {
    let map = words(&page("ARCHITECTURE.md"), "\n## Code map");
    for file in std::fs::read_dir(root().join("src")).unwrap() {
        let file = file.unwrap().file_name().into_string().unwrap();
        let Some(module) = file.strip_suffix(".rs").filter(|module| *module != "lib") else { continue };
        let named = |word: &String| word.split("::").next() == Some(module) || *word == file;
        assert!(map.iter().any(named), "`{module}` is not in the code map");
    }
    for path in map.iter().filter(|word| word.contains("::")) {
        let file = root().join("src").join(path.replace("::", "/")).with_extension("rs");
        assert!(
            file.exists() || path == "directory::object",
            "the code map names `{path}`, which is not there"
        );
    }
}

#[test]
fn the_tests_that_guard_the_invariants_are_there() {
    let invariants = words(&page("ARCHITECTURE.md"), "\n## Invariants");
    let files = invariants.iter().filter(|word| Path::new(word).extension().is_some_and(|it| it == "rs"));
    let mut seen = 0;
    for file in files {
        let folder = if file.starts_with("src/") { "" } else { "tests/it/" };
        let text = page(&format!("{folder}{file}"));
        assert!(text.contains("#[test]"), "`{file}` has no tests");
        seen += 1;
    }
    assert!(11 <= seen, "{seen} files");
}
