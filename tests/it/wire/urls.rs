//! URLs, byte for byte (`wire.md 2.1`, `1.5`, `2.6`).

use percent_encoding::percent_decode_str;
use scimulator::covers;
use scimulator::directory::object::ObjectKind;
use scimulator::scim::path::TargetPath;
use scimulator::scim::query::{
    FilterValue, collection_path, match_query, probe_query, read_path, resource_path,
};
use scimulator::scim::style::{Dialect, FilterEscape, Style};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    section: String,
    #[serde(rename = "mark")]
    _mark: String,
    kind: String,
    path: String,
    value: String,
    #[serde(default, rename = "type")]
    type_: Option<String>,
    filter_escape: Option<String>,
    dialect: Option<String>,
    url: Option<String>,
    error: Option<String>,
}

#[test]
fn match_queries_have_exactly_the_bytes_of_the_sheet() {
    covers!("W-059", "W-060", "W-061", "W-062", "W-063", "W-064", "W-065", "W-098");
    for case in super::cases::<Case>("queries.toml") {
        let style = Style {
            filter_escape: case
                .filter_escape
                .map_or_else(FilterEscape::default, |name| FilterEscape::from_name(&name).unwrap()),
            dialect: case.dialect.map_or_else(Dialect::default, |name| Dialect::from_name(&name).unwrap()),
            ..Style::default()
        };
        let value = match case.type_.as_deref() {
            None => FilterValue::Text(case.value.clone()),
            Some("bare") => FilterValue::Bare(case.value.clone()),
            Some(other) => panic!("unknown type {other}"),
        };
        let kind = ObjectKind::from_name(&case.kind).unwrap();
        let path = TargetPath::parse(&case.path).unwrap();
        match (match_query(kind, &path, &value, &style), case.url, case.error) {
            (Ok(got), Some(want), None) => assert_eq!(got, want, "{}", case.section),
            (Err(got), None, Some(want)) => {
                assert!(got.to_string().contains(&want), "{}: {got}", case.section);
            }
            (got, url, error) => panic!("{}: got {got:?}, want {url:?} or {error:?}", case.section),
        }
    }
}

#[test]
fn flags_change_neither_queries_nor_reads() {
    let default = Style::default();
    let flagged = Style { dialect: Dialect::Optscim, ..Style::default() };
    for case in super::cases::<Case>("queries.toml") {
        let kind = ObjectKind::from_name(&case.kind).unwrap();
        let path = TargetPath::parse(&case.path).unwrap();
        let value = FilterValue::Text(case.value);
        assert_eq!(match_query(kind, &path, &value, &default), match_query(kind, &path, &value, &flagged));
    }
}

#[test]
fn a_probe_asks_for_a_guid_in_the_matching_attribute() {
    covers!("W-024");
    let guid = uuid::uuid!("cf5cf4f1-0f0c-4a5b-a6f0-2d0a5f9c1f4e");
    let user = TargetPath::parse("userName").unwrap();
    let group = TargetPath::parse("displayName").unwrap();
    assert_eq!(
        probe_query(ObjectKind::User, &user, guid, &Style::default()),
        "Users?filter=userName+eq+%22cf5cf4f1-0f0c-4a5b-a6f0-2d0a5f9c1f4e%22",
    );
    assert_eq!(
        probe_query(ObjectKind::Group, &group, guid, &Style::default()),
        "Groups?excludedAttributes=members&filter=displayName+eq+%22cf5cf4f1-0f0c-4a5b-a6f0-2d0a5f9c1f4e%22",
    );
}

#[test]
fn groups_are_never_read_with_their_members() {
    covers!("W-156");
    assert_eq!(read_path(ObjectKind::User, "u1"), "Users/u1");
    assert_eq!(read_path(ObjectKind::Group, "g1"), "Groups/g1?excludedAttributes=members");
    assert_eq!(collection_path(ObjectKind::Group), "Groups");
}

#[test]
fn an_id_in_a_path_decodes_to_the_stored_id_and_stays_one_segment() {
    covers!("W-099");
    for id in ["u1", "a b", "a/b", "x?y=1&z", "50%", "Zoë", "a+b", "bob@contoso.com", "a#b", "\"q\"", "a\\b"]
    {
        let path = resource_path(ObjectKind::User, id);
        let segment = path.strip_prefix("Users/").unwrap();
        assert!(!segment.contains(['/', '?', '#', '+', ' ']), "{segment}");
        assert_eq!(percent_decode_str(segment).decode_utf8().unwrap(), id);
    }
}
