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
    for name in ["scim2-server", "scimmy"] {
        let Some(server) = ThirdParty::start(name) else { continue };
        let options = Options {
            token: Some(server.token.clone().into()),
            attributes: Attributes::Discovered,
            ..options(&server.base_url, &[])
        };
        let report = run(&options);
        let file = root().join(format!("tests/data/preflight/{name}.toml"));
        let expected: Expected = toml::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
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
