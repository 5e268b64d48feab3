//! `scimulator.toml`: every mistake with its place, and what ships beside the reader.

use std::path::{Path, PathBuf};

use scimulator::config::{self, Endpoint, FILE_BYTES_MAX, ScopeMode, schema};
use scimulator::diagnostic::{Diagnostic, Severity, has_errors};
use scimulator::scim::style::Dialect;
use serde_json::Value;

fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// `line:column severity: message`, and the help below it.
fn render(findings: &[Diagnostic]) -> String {
    let line_of = |finding: &Diagnostic| {
        let place = finding.place.as_ref().expect("a finding in a file has a place");
        let (line, column) = (place.line.expect("a line"), place.column.expect("a column"));
        let severity = match finding.severity {
            Severity::Warning => "warning",
            Severity::Error => "error",
        };
        let help = finding.help.as_ref().map(|help| format!("  help: {help}\n")).unwrap_or_default();
        format!("{line}:{column} {severity}: {}\n{help}", finding.message)
    };
    findings.iter().map(line_of).collect()
}

fn findings_of(file: &Path) -> Vec<Diagnostic> {
    match config::load(file) {
        Ok((_, warnings)) => {
            assert!(!has_errors(&warnings), "an error is not a warning");
            warnings
        }
        Err(findings) => {
            assert!(has_errors(&findings), "a refusal names an error");
            findings
        }
    }
}

#[test]
fn each_file_yields_the_findings_beside_it() {
    let mut files: Vec<PathBuf> = std::fs::read_dir(project("tests/data/config"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .collect();
    files.sort();
    assert!(!files.is_empty());
    for file in files {
        let expected = std::fs::read_to_string(file.with_extension("expect")).unwrap();
        let findings = findings_of(&file);
        assert_eq!(render(&findings), expected, "{}", file.display());
        for finding in findings {
            assert_eq!(finding.place.unwrap().file, file);
        }
    }
}

/// The words are the TOML parser's own; the places are what matters.
#[test]
fn every_syntax_error_is_reported_with_its_place() {
    let findings = findings_of(&project("tests/data/config/syntax/several.toml"));
    let lines: Vec<_> = findings.iter().map(|finding| finding.place.as_ref().unwrap().line).collect();
    assert_eq!(lines, [Some(1), Some(5), Some(7)], "unclosed heading, unclosed text, the same key again");
    assert_eq!(findings[1].place.as_ref().unwrap().column, Some(16), "where the quote should have been");
}

#[test]
fn what_entra_does_not_offer_for_authentication_can_not_be_configured() {
    scimulator::covers!("W-019");
    let findings = findings_of(&project("tests/data/config/not_offered.toml"));
    let refused = findings.iter().filter(|finding| finding.severity == Severity::Error).count();
    assert_eq!(refused, 6, "basic (twice), OAuth 1.0, the password grant, two custom headers");
}

#[test]
fn a_mistake_never_repeats_a_token() {
    for name in ["tokens", "oauth", "mail_server", "wrong_types"] {
        let file = project("tests/data/config").join(name).with_extension("toml");
        assert!(std::fs::read_to_string(&file).unwrap().contains("s3cr3t"));
        assert!(!render(&findings_of(&file)).contains("s3cr3t"));
        assert!(!config::mask_secrets(&std::fs::read_to_string(&file).unwrap()).contains("s3cr3t"));
    }
}

#[test]
fn the_smallest_configuration_has_the_defaults_of_entra() {
    let file = project("tests/data/config/smallest.toml");
    let (config, _) = config::load(&file).unwrap();
    assert_eq!(config.directory.path, file.with_file_name("directory"));
    assert_eq!(config.state_dir, file.with_file_name("state"));
    let [job] = &config.jobs[..] else { panic!("one job") };
    let Endpoint::Remote(url) = &job.endpoint else { panic!("a remote target") };
    assert_eq!(url.base(), "http://127.0.0.1:8080/scim/v2");
    assert_eq!(url.dialect(), Dialect::Default);
    assert_eq!((job.name.as_str(), job.app.as_str(), job.scope), ("staging", "scim", ScopeMode::Assigned));
    assert_eq!(job.interval.as_mins(), 40);
    assert_eq!(config.directory.soft_delete_retention.as_hours(), 30 * 24);
    assert_eq!(job.fidelity.timeout.as_secs(), 30);
    assert!(job.groups && !job.allow_remote && !job.skip_out_of_scope_deletions);
}

#[test]
fn a_file_that_is_no_configuration_is_refused_with_its_name() {
    let dir = tempfile::tempdir().unwrap();
    let refusal = |name: &str| {
        let findings = config::load(&dir.path().join(name)).unwrap_err();
        assert_eq!(findings.len(), 1);
        findings[0].to_string()
    };
    std::fs::write(dir.path().join("latin1.toml"), b"a = 1\n# \xfcber\n").unwrap();
    std::fs::write(dir.path().join("large.toml"), " ".repeat(usize::try_from(FILE_BYTES_MAX).unwrap() + 1))
        .unwrap();
    assert!(refusal("absent.toml").contains("absent.toml: error: can not read the configuration: "));
    assert!(refusal("latin1.toml").ends_with("latin1.toml:2:3: error: the configuration is not UTF-8 text"));
    assert!(refusal("large.toml").ends_with("the configuration is larger than 1048576 bytes"));
}

#[test]
fn the_nearest_configuration_above_governs() {
    let dir = tempfile::tempdir().unwrap();
    let below = dir.path().join("a/b");
    std::fs::create_dir_all(&below).unwrap();
    let far = dir.path().join("scimulator.toml");
    std::fs::write(&far, "").unwrap();
    assert_eq!(config::find(&below), Some(far));
    let near = dir.path().join("a/scimulator.toml");
    std::fs::write(&near, "").unwrap();
    assert_eq!(config::find(&below), Some(near));
}

#[test]
fn the_shipped_schema_is_fresh() {
    let file = project("docs/scimulator.schema.json");
    let fresh = format!("{}\n", serde_json::to_string_pretty(schema::json_schema()).unwrap());
    if std::env::var_os("SCIMULATOR_BLESS").is_some() {
        std::fs::write(&file, &fresh).unwrap();
    }
    let shipped = std::fs::read_to_string(&file).unwrap();
    assert_eq!(shipped, fresh, "run the tests with SCIMULATOR_BLESS=1 and read the difference");
}

#[test]
fn the_schema_knows_no_null_and_refuses_unknown_keys_everywhere() {
    fn visit(value: &Value, tables: &mut usize) {
        match value {
            Value::Object(object) => {
                assert!(object.get("type").is_none_or(Value::is_string), "one type: {object:?}");
                if object.contains_key("properties") {
                    assert_eq!(object.get("additionalProperties"), Some(&Value::Bool(false)));
                    *tables += 1;
                }
                object.values().for_each(|value| visit(value, tables));
            }
            Value::Array(items) => items.iter().for_each(|value| visit(value, tables)),
            Value::Null => panic!("a null"),
            Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    let mut tables = 0;
    visit(schema::json_schema(), &mut tables);
    assert_eq!(
        tables, 17,
        "the root, directory, vanish limit, role, job, filter, clause, token, OAuth, its two secrets, secrets, fidelity, \
         headers, mail, its server, its password"
    );
}

#[test]
fn the_documentation_names_every_key_with_its_default_and_words() {
    fn visit(schema: &Value, page: &str, keys: &mut usize) {
        for (key, of) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            *keys += 1;
            let row = format!("| `{key}` |");
            let rows: Vec<&str> = page.lines().filter(|line| line.starts_with(&row)).collect();
            assert!(
                !rows.is_empty() || of.get("properties").is_some() || of.get("items").is_some(),
                "`{key}`"
            );
            if let Some(default) = of.get("default") {
                let default = format!("| `{default}` |");
                assert!(rows.iter().any(|row| row.contains(&default)), "{key}: {default} in {rows:?}");
            }
            for word in of.get("enum").and_then(Value::as_array).into_iter().flatten() {
                let word = format!("`{}`", word.as_str().unwrap());
                assert!(rows.iter().any(|row| row.contains(&word)), "{key}: {word}");
            }
            visit(of, page, keys);
            visit(of.get("items").unwrap_or(&Value::Null), page, keys);
        }
    }
    let page = std::fs::read_to_string(project("docs/configuration.md")).unwrap();
    let mut keys = 0;
    visit(schema::json_schema(), &page, &mut keys);
    assert!(50 <= keys, "{keys} keys");
}
