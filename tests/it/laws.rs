//! The laws of the house, held against the sources: who reads the time, who speaks SQL and HTTP, what stays pure, who
//! imports whom. A finding names file, line and law. Comments and unit tests are not judged.

use std::collections::BTreeSet;

use crate::sources::{Source, files, module_of, root, rust_files};

mod reading;

use reading::{
    is_in, is_markdown, is_name, is_test_file, lies_in, links, occurrences, paths, resolve, without_tests,
};

/// Most lines of a Rust file; beyond it, the file has outgrown its purpose and is split.
const LINES_MAX: usize = 800;

/// What reads a clock, or the machine's time zone.
const CLOCK_WORDS: [&str; 9] = [
    "SystemTime",
    "Instant::now",
    "Timestamp::now",
    "Zoned::now",
    "TimeZone::system",
    "Utc::now",
    "Local::now",
    "CURRENT_TIMESTAMP",
    "('now')",
];

/// What speaks SQL.
const SQL_WORDS: [&str; 6] = ["rusqlite", "SELECT ", "INSERT ", "DELETE FROM ", "CREATE TABLE ", "PRAGMA "];

/// What speaks HTTP to somebody else.
const HTTP_CLIENT_WORDS: [&str; 3] = ["reqwest", "hyper", "TcpStream"];

/// Modules that take values and return values.
const PURE: [&str; 20] = [
    "daemon::due",
    "expression",
    "mapping",
    "schema",
    "scope",
    "scim",
    "oracle",
    "engine::decide",
    "engine::escrow",
    "engine::export",
    "engine::guard",
    "engine::quarantine",
    "scenario::expect",
    "scenario::recorded",
    "scenario::report",
    "preflight::judge",
    "preflight::list",
    "simulate::draw",
    "simulate::reduce",
    "simulate::story",
];

/// What a pure module has no use for, as paths.
const IMPURE_PATHS: [&str; 12] = [
    "std::env",
    "std::fs",
    "std::io",
    "std::net",
    "std::process",
    "std::thread",
    "tokio",
    "axum",
    "tower",
    "reqwest",
    "rusqlite",
    "tracing",
];

/// What a pure module has no use for, as words: waiting, and clocks in place of a moment that is passed in.
const IMPURE_WORDS: [&str; 6] = ["async", "await", "SystemClock", "VirtualClock", "WireInstant", "WireClock"];

/// Importable by all.
const LEAVES: [&str; 7] = ["clock", "diagnostic", "http", "ledger", "parallel", "private", "stop"];

/// What each module imports besides itself and the leaves. Arrows run one way: drivers, engine, the middle, the core.
/// The entry with the longest name decides, so a part of a module may have its own. A new module gets its line here.
///
/// `directory::object` is the shared vocabulary of source objects. The embedded app's evaluation of PATCH and filters
/// is its own: a bug of the client's encoder must not cancel out.
const ARROWS: [(&str, &str); 30] = [
    ("clock", ""),
    ("diagnostic", ""),
    ("http", ""),
    ("ledger", ""),
    ("parallel", ""),
    ("private", ""),
    ("stop", ""),
    ("expression", ""),
    ("directory::object", "expression"),
    ("scim", "directory::object"),
    ("directory", "expression"),
    ("directory::import", "directory expression store"),
    ("scope", "directory::object expression"),
    ("mapping", "directory::object expression scim scope"),
    ("schema", "directory::object expression mapping scim scope"),
    ("client", "directory::object expression scim"),
    ("store", "directory::object expression scim"),
    ("target", ""),
    ("gallery", "directory::object expression mapping scim scope"),
    ("config", "directory::object expression gallery mapping scim scope"),
    ("engine", "client config directory expression gallery mapping scim scope store"),
    ("api", "client config directory engine expression gallery mapping scim scope store"),
    (
        "daemon",
        "api client config directory engine expression gallery mail mapping runner scim scope store target",
    ),
    ("mail", "client config engine store"),
    ("oracle", "client directory::object expression"),
    (
        "runner",
        "client config directory engine expression gallery mail mapping oracle schema scim scope store target",
    ),
    (
        "scenario",
        "client config daemon::due directory engine expression gallery mapping oracle runner scim scope store target",
    ),
    ("preflight", "client config directory engine expression mapping runner scenario::report scim store"),
    ("simulate", "client directory::object oracle scenario"),
    (
        "cli",
        "api client config daemon directory engine expression gallery mail mapping oracle preflight runner scenario schema scim scope \
         simulate store target",
    ),
];

fn library() -> Vec<Source> {
    rust_files("src").into_iter().filter(|source| !is_test_file(&source.path)).map(without_tests).collect()
}

fn everything() -> Vec<Source> {
    ["src", "tests"].into_iter().flat_map(rust_files).collect()
}

fn hold(findings: &[String]) {
    assert!(findings.is_empty(), "\n\n{}\n", findings.join("\n"));
}

#[test]
fn only_clock_reads_the_time() {
    hold(&words(
        &library(),
        &["clock"],
        &CLOCK_WORDS,
        "the time is read in `clock` alone; take a moment as argument",
    ));
}

#[test]
fn only_store_speaks_sql() {
    hold(&words(&library(), &["store"], &SQL_WORDS, "SQL is for `store` alone"));
}

#[test]
fn only_client_speaks_http_to_a_target() {
    hold(&words(&library(), &["client"], &HTTP_CLIENT_WORDS, "HTTP to a target is for `client` alone"));
}

#[test]
fn pure_modules_do_no_io() {
    hold(&library().iter().flat_map(impurities).collect::<Vec<_>>());
}

#[test]
fn imports_follow_the_arrows() {
    let library = library();
    let modules = modules(&library);
    hold(&library.iter().flat_map(|source| wrong_imports(source, &modules)).collect::<Vec<_>>());
}

#[test]
fn every_map_is_ordered() {
    let law = "its order leaks into plans and logs; use the BTree one";
    hold(&words(&everything(), &[], &["HashMap", "HashSet"], law));
}

#[test]
fn no_test_is_switched_off() {
    hold(&words(&everything(), &[], &["#[ignore", "#[should_panic"], "a test asserts today's answer"));
}

#[test]
fn no_module_is_reexported_whole() {
    hold(&everything().iter().flat_map(glob_reexports).collect::<Vec<_>>());
}

#[test]
fn no_file_outgrows_its_purpose() {
    let long = |source: &Source| {
        let lines = source.bare.lines().count();
        (LINES_MAX < lines).then(|| format!("{}: {lines} lines, {LINES_MAX} at most", source.path))
    };
    hold(&everything().iter().filter_map(long).collect::<Vec<_>>());
}

/// Without a server they do nothing and pass.
#[test]
fn ci_runs_every_test_that_needs_a_server_of_others() {
    let script = std::fs::read_to_string(root().join(".ci/run")).expect("there is one");
    let (_, modules) = script.split_once("local modules=(").expect("the list of modules is there");
    let modules: Vec<&str> = modules.split(')').next().unwrap_or_default().split(' ').collect();
    let forgotten = |source: &Source| {
        let module = module_of(&source.path);
        let named = modules.iter().any(|name| lies_in(module.trim_start_matches("it::"), name));
        (source.bare.contains("ThirdParty::start(") && !named)
            .then(|| format!("{}: `.ci/run` does not start its servers", source.path))
    };
    hold(&rust_files("tests/it").iter().filter_map(forgotten).collect::<Vec<_>>());
}

#[test]
fn no_file_speaks_of_somebodys_machine() {
    // Generated and changing folders are not the project's; lock files name registries by nature.
    let enter = |folder: &str| !matches!(folder, ".git" | "target" | "state");
    let judged = |path: &&String| *path != ".git" && !path.ends_with("lock") && !path.ends_with("-lock.json");
    let mut findings = Vec::new();
    for path in files(root(), &enter).iter().filter(judged) {
        let bytes = std::fs::read(root().join(path)).expect("the file was just listed");
        findings.extend(machine_words(path, &String::from_utf8_lossy(&bytes)));
    }
    hold(&findings);
}

#[test]
fn every_document_is_linked_and_every_link_leads_somewhere() {
    if !root().join("README.md").exists() {
        return;
    }
    let mut findings = Vec::new();
    let mut linked = BTreeSet::from(["README.md".to_owned()]);
    let mut unread = vec!["README.md".to_owned()];
    while let Some(page) = unread.pop() {
        let text = std::fs::read_to_string(root().join(&page)).expect("a linked page is readable");
        for link in links(&page, &text) {
            if !root().join(&link).exists() {
                findings.push(format!("{page}: links to `{link}`, which is not there"));
            } else if linked.insert(link.clone()) && is_markdown(&link) {
                unread.push(link);
            }
        }
    }
    let docs = root().join("docs");
    let all = if docs.exists() { files(&docs, &|_| true) } else { Vec::new() };
    findings.extend(
        all.iter()
            .filter(|path| !linked.contains(*path))
            .map(|path| format!("{path}: no page reached from README.md links to it")),
    );
    hold(&findings);
}

/// The words that occur in sources outside of the modules `except`.
fn words(sources: &[Source], except: &[&str], words: &[&str], law: &str) -> Vec<String> {
    let mut findings = Vec::new();
    for source in sources.iter().filter(|source| !except.iter().any(|module| is_in(source, module))) {
        for word in words {
            // SQL stands inside of literals, names outside.
            let view = if word.contains(' ') || word.contains('\'') { &source.code } else { &source.bare };
            findings
                .extend(occurrences(view, word).map(|at| finding(source, at, &format!("`{word}`: {law}"))));
        }
    }
    findings
}

fn impurities(source: &Source) -> Vec<String> {
    if !PURE.iter().any(|module| is_in(source, module)) {
        return Vec::new();
    }
    let mut findings = words(std::slice::from_ref(source), &[], &IMPURE_WORDS, "in a pure module");
    let roots: BTreeSet<_> =
        IMPURE_PATHS.iter().map(|path| path.split("::").next().unwrap_or_default()).collect();
    for (at, path) in roots.into_iter().flat_map(|root| paths(source, root)) {
        if IMPURE_PATHS.iter().any(|impure| lies_in(&path, impure)) {
            findings.push(finding(source, at, &format!("`{path}` in a pure module")));
        }
    }
    findings
}

fn wrong_imports(source: &Source, modules: &BTreeSet<String>) -> Vec<String> {
    let own = module_of(&source.path);
    if own.is_empty() {
        // The roots of library and program; the program is allowed its one call.
        return paths(source, "scimulator")
            .into_iter()
            .filter(|(_, path)| !lies_in(path, "scimulator::cli"))
            .map(|(at, path)| finding(source, at, &format!("`{path}`: main calls `cli` and nothing else")))
            .collect();
    }
    let entry =
        ARROWS.iter().filter(|(module, _)| lies_in(&own, module)).max_by_key(|(module, _)| module.len());
    let Some((module, allowed)) = entry else {
        return vec![format!("{}: module `{own}` has no line in ARROWS of tests/it/laws.rs", source.path)];
    };
    let mut findings = Vec::new();
    for (at, path) in paths(source, "crate").into_iter().chain(paths(source, "super")) {
        let path = resolve(&own, &path);
        let top = path.split("::").next().unwrap_or_default();
        let fine = !modules.contains(top)
            || own.split("::").next() == Some(top) && module.len() == top.len()
            || LEAVES.contains(&top)
            || lies_in(&path, module)
            || allowed.split(' ').any(|allowed| lies_in(&path, allowed));
        if !fine {
            findings.push(finding(source, at, &format!("`{module}` imports `{path}`, against the arrows")));
        }
    }
    findings
}

/// The top modules of the library.
fn modules(sources: &[Source]) -> BTreeSet<String> {
    let top = |source: &Source| module_of(&source.path).split("::").next().unwrap_or_default().to_owned();
    sources.iter().map(top).filter(|module| !module.is_empty()).collect()
}

fn glob_reexports(source: &Source) -> Vec<String> {
    let mut findings = Vec::new();
    for at in occurrences(&source.bare, "pub use ") {
        let statement = source.bare.split_at(at).1.split(';').next().unwrap_or_default();
        if statement.contains('*') {
            findings.push(finding(source, at, "re-exports by `*`; name what is exported"));
        }
    }
    findings
}

/// Absolute paths of somebody's machine, and hosts that packages came from.
fn machine_words(path: &str, text: &str) -> Vec<String> {
    let folders = ["home", "root", "work"].map(|folder| format!("/{folder}/"));
    let hosts = [["index", "crates", "io"], ["static", "crates", "io"], ["registry", "npmjs", "org"]]
        .map(|parts| parts.join("."));
    let mut findings = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let begins = |folder: &String| {
            let mut found = line.match_indices(folder.as_str());
            found.any(|(at, _)| !line.split_at(at).0.ends_with(|c: char| is_name(c) || c == '.' || c == '}'))
        };
        for word in
            folders.iter().filter(|word| begins(word)).chain(hosts.iter().filter(|word| line.contains(*word)))
        {
            findings
                .push(format!("{path}:{}: `{word}` is of one machine; the project knows none", number + 1));
        }
    }
    findings
}

fn finding(source: &Source, at: usize, what: &str) -> String {
    format!("{}:{}: {what}", source.path, source.bare.split_at(at).0.matches('\n').count() + 1)
}

/// Each law is broken once, and must notice.
mod checks {
    use super::*;

    fn library_of(path: &str, text: &str) -> Source {
        without_tests(Source::new(path, text))
    }

    #[track_caller]
    fn check(found: &[String], expected: &[&str]) {
        assert_eq!(found, expected);
    }

    #[test]
    fn a_word_is_found_in_code_and_not_in_comments_tests_or_longer_names() {
        let text = "//! Instant::now\nuse jiff::Timestamp;\nfn a() { WireInstant::now(); \"Timestamp::now\"; }\n\
                    #[cfg(test)]\nmod tests { fn b() { Timestamp::now(); } }\nfn c() { Timestamp::now(); }\n";
        let source = library_of("src/engine.rs", text);
        let law = |except: &[&str]| words(std::slice::from_ref(&source), except, &CLOCK_WORDS, "no");
        check(&law(&["clock"]), &["src/engine.rs:6: `Timestamp::now`: no"]);
        check(&law(&["engine"]), &[]);
    }

    #[test]
    fn sql_is_found_inside_of_literals() {
        let text =
            "// SELECT 1\nconst A: &str = \"SELECT 1\";\nconst B: &str = r#\"PRAGMA user_version\"#;\n";
        let found = |path: &str| words(&[library_of(path, text)], &["store"], &SQL_WORDS, "no");
        check(
            &found("src/api/jobs.rs"),
            &["src/api/jobs.rs:2: `SELECT `: no", "src/api/jobs.rs:3: `PRAGMA `: no"],
        );
        check(&found("src/store/links.rs"), &[]);
    }

    #[test]
    fn input_output_is_found_in_pure_modules_however_imported() {
        let text = "use std::{\n    collections::BTreeMap,\n    fs::File,\n    net as wire,\n};\nasync fn a() { b().await }\n\
                    fn c() { std::env::var(\"x\"); Vec::<u8>::new(); crate::tower::x(); }\n";
        check(
            &impurities(&library_of("src/engine/guard.rs", text)),
            &[
                "src/engine/guard.rs:6: `async`: in a pure module",
                "src/engine/guard.rs:6: `await`: in a pure module",
                "src/engine/guard.rs:1: `std::fs::File` in a pure module",
                "src/engine/guard.rs:1: `std::net` in a pure module",
                "src/engine/guard.rs:7: `std::env::var` in a pure module",
            ],
        );
        check(&impurities(&library_of("src/engine/cycle.rs", text)), &[]);
    }

    #[test]
    fn an_import_against_the_arrows_is_found_however_written() {
        let modules: BTreeSet<String> =
            ["clock", "directory", "engine", "expression", "scim", "scope", "store"]
                .map(str::to_owned)
                .into();
        let found = |path: &str, text: &str| wrong_imports(&library_of(path, text), &modules);
        let text = "use crate::{clock::{Clock, Timestamp}, directory::{object::ObjectKind, read}, expression as e};\n\
                    use super::filter::Clause;\nuse super::super::store;\nfn a() { crate::engine::go(); crate::covers!(); }\n";
        check(
            &found("src/scope/verdict.rs", text),
            &[
                "src/scope/verdict.rs:1: `scope` imports `directory::read`, against the arrows",
                "src/scope/verdict.rs:4: `scope` imports `engine::go`, against the arrows",
                "src/scope/verdict.rs:3: `scope` imports `store`, against the arrows",
            ],
        );
        check(&found("src/engine/cycle.rs", text), &[]);
        check(
            &found(
                "src/directory/object.rs",
                "use super::read::Row;\nuse crate::expression::AttributeValue;\n",
            ),
            &[
                "src/directory/object.rs:1: `directory::object` imports `directory::read::Row`, against the arrows",
            ],
        );
        check(
            &found("src/attic.rs", ""),
            &["src/attic.rs: module `attic` has no line in ARROWS of tests/it/laws.rs"],
        );
        check(
            &found("src/main.rs", "fn main() { scimulator::cli::main(); scimulator::engine::go(); }"),
            &["src/main.rs:1: `scimulator::engine::go`: main calls `cli` and nothing else"],
        );
    }

    #[test]
    fn glob_reexports_machine_paths_and_links_are_found() {
        let source =
            library_of("src/scope.rs", "pub use filter::{\n    a::*,\n};\npub use filter::Clause;\n");
        check(&glob_reexports(&source), &["src/scope.rs:1: re-exports by `*`; name what is exported"]);

        let path = ["", "root", "x"].join("/");
        let text = format!("fine: https://contoso.com{path}\n\ncp {path} .\n");
        let found = machine_words("docs/a.md", &text);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("docs/a.md:3: "), "{found:?}");

        let text =
            "[a](b.md#c) and [d](../README.md)\n```\n[e](f.md)\n```\n[g](https://contoso.com/) [h](#i)\n";
        assert_eq!(links("docs/guide/a.md", text), ["docs/guide/b.md", "docs/README.md"]);
    }
}
