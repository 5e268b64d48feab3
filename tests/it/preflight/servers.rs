//! What two servers that others wrote get wrong: `tests/data/preflight/SERVER.toml` lists each test that does not pass,
//! with words of what is told.

use std::collections::BTreeMap;

use scimulator::preflight::{Attributes, Grade, Options};
use serde::Deserialize;

use super::{options, run, told};
use crate::common::ThirdParty;
use crate::sources::root;

/// What is told, by test.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    failed: BTreeMap<String, String>,
    tolerated: BTreeMap<String, String>,
}

#[test]
fn the_list_for_two_servers_is_what_they_do() {
    for (name, attributes, file) in [
        ("scim2-server", Attributes::Discovered, "scim2-server"),
        ("scimmy", Attributes::Discovered, "scimmy"),
        ("scimmy", without_roles(), "scimmy-without-roles"),
    ] {
        let Some(server) = ThirdParty::start(name) else { continue };
        let token = Some(server.token.clone().into());
        let options = Options { token, attributes, ..options(&server.base_url, &[]) };
        let report = run(&options);
        let path = root().join(format!("tests/data/preflight/{file}.toml"));
        let expected: Expected = toml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let of = |grade: Grade| {
            let tested = report.asked().filter(move |tested| tested.grade == grade);
            tested.map(|tested| (tested.test.id.to_owned(), told(tested))).collect::<BTreeMap<_, _>>()
        };
        for (wanted, found) in
            [(&expected.failed, of(Grade::Failed)), (&expected.tolerated, of(Grade::Tolerated))]
        {
            assert_eq!(
                wanted.keys().collect::<Vec<_>>(),
                found.keys().collect::<Vec<_>>(),
                "{name}: {found:#?}"
            );
            for (id, words) in wanted {
                assert!(found[id].contains(words), "{name}: {id}: {}", found[id]);
            }
        }
        assert_eq!(report.left, Vec::<String>::new(), "{name}");
    }
}

/// The default list as a schema file would have it, but for roles and a URL that is none.
fn without_roles() -> Attributes {
    let profile: toml::Value = toml::from_str(scimulator::gallery::source("scim").unwrap()).unwrap();
    let listed = profile["user"]["attributes"].as_array().unwrap().iter();
    let names = listed.map(|attribute| attribute["name"].as_str().unwrap());
    let kept = names.filter(|name| !name.starts_with("roles") && *name != "profileUrl");
    let attributes: Vec<_> = kept.map(|name| serde_json::json!({ "name": name })).collect();
    Attributes::of_file(&serde_json::json!({ "attributes": attributes }))
}

/// The page has a row for each, with the same words; and nobody else is in it.
#[test]
fn the_page_says_of_each_failure_what_was_asked_and_answered() {
    let page = std::fs::read_to_string(root().join("docs/preflight.md")).unwrap();
    for (heading, file) in [
        ("### scim2-server 0.8.3", "scim2-server"),
        ("### scimmy 1.3.5 without roles and profileUrl", "scimmy-without-roles"),
        ("### scimmy 1.3.5 with what it shows", "scimmy"),
    ] {
        let (_, section) = page.split_once(heading).unwrap();
        let section = section.split("###").next().unwrap();
        let rows: Vec<Vec<&str>> = section
            .lines()
            .filter(|line| line.starts_with("| `"))
            .map(|line| line.trim_matches('|').split(" | ").collect())
            .collect();
        let path = root().join(format!("tests/data/preflight/{file}.toml"));
        let expected: Expected = toml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let all: BTreeMap<_, _> = expected.failed.iter().chain(&expected.tolerated).collect();
        for (id, words) in &all {
            let row = rows.iter().find(|row| row[0].contains(&format!("`{id}`")));
            let row = row.unwrap_or_else(|| panic!("{file}: {id} is not in the page"));
            assert!(row.len() == 3 && row[2].contains(words.as_str()), "{file}: {id}: {row:?}");
        }
        let named = rows.iter().flat_map(|row| row[0].split('`').skip(1).step_by(2));
        assert_eq!(named.count(), all.len(), "{file}");
    }
}
