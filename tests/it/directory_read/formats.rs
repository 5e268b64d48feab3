//! What whole folders give, format by format.

use std::fs;

use scimulator::diagnostic::{Place, has_errors};
use scimulator::directory::object::{ObjectKind, derived_id};
use scimulator::directory::read::{ReadOptions, Removal, Role, read_folder, stat_folder};
use scimulator::expression::AttributeValue;

use super::{Rows, check_texts, data, findings, folder, list, read};

#[test]
fn edition_a_of_download_users_takes_managers_from_the_second_file() {
    let folder = data("export_a");
    let (rows, outcome) = read(&folder);
    assert_eq!(
        findings(&folder, &outcome),
        "users.extra.csv:4: warning: no user `nobody@contoso.com`: the row is not used\n  help: a row belongs to the \
         user of its objectId or, without one, of its userPrincipalName\n"
    );
    let adele = rows.object("adele@contoso.com");
    assert_eq!((adele.id.as_str(), adele.id_given), ("7d3bfd17-0001-4000-8000-000000000001", true));
    check_texts(
        adele,
        &[
            ("displayName", "Adele O'Brien"),
            ("jobTitle", "Head of Sales, North"),
            ("streetAddress", "1 Quay\nSecond floor"),
            ("department", "Sales"),
            ("physicalDeliveryOfficeName", "2/1"),
            ("telephoneNumber", "+353 1 555 0101"),
            ("mobile", "+353 85 555 0101"),
            ("accountEnabled", "True"),
            ("userType", "Member"),
            ("objectId", "(absent)"),
            ("ageGroup", "(absent)"),
            ("manager", "bob_fabrikam.com#EXT#@contoso.onmicrosoft.com"),
            ("extensionAttribute3", "blue"),
        ],
    );
    assert_eq!(
        adele.attributes.get("proxyAddresses").cloned(),
        Some(list(&["smtp:a@contoso.com", "SMTP:adele@contoso.com"]))
    );
    let (bob, place) = &rows.objects[1];
    assert_eq!(place.line, Some(4), "the row before it ends on line 3");
    check_texts(
        bob,
        &[
            ("userPrincipalName", "bob_fabrikam.com#EXT#@contoso.onmicrosoft.com"),
            ("displayName", "=Bob"),
            ("accountEnabled", "False"),
            ("department", "Partners"),
        ],
    );
}

#[test]
fn edition_b_of_download_users_keeps_the_older_names() {
    let (rows, outcome) = read(&data("export_b"));
    assert_eq!(outcome.diagnostics, []);
    let zoe = rows.object("zoe@contoso.com");
    assert_eq!(zoe.id, "7d3bfd17-0002-4000-8000-000000000001");
    check_texts(
        zoe,
        &[
            ("displayName", "Zoë Łukasik"),
            ("physicalDeliveryOfficeName", "3/14"),
            ("mobile", "+48 600 555 102"),
            ("telephoneNumber", "+48 12 555 0102"),
            ("accountEnabled", "True"),
            ("companyName", "Contoso"),
            ("createdDateTime", "2024-02-03T08:00:00Z"),
            ("officeLocation", "(absent)"),
            ("mobilePhone", "(absent)"),
        ],
    );
}

#[test]
fn the_bulk_create_template_inverts_block_sign_in_and_keeps_no_password() {
    let folder = data("bulk_create");
    let (rows, outcome) = read(&folder);
    assert_eq!(findings(&folder, &outcome), "users.csv:3:1: warning: the template's sample row is skipped\n");
    assert_eq!(rows.objects.len(), 2);
    check_texts(
        rows.object("dana@contoso.com"),
        &[("accountEnabled", "False"), ("displayName", "Dana Ito"), ("mobile", "555-0102")],
    );
    check_texts(rows.object("eli@contoso.com"), &[("accountEnabled", "True"), ("surname", "Park")]);
    assert!(!format!("{:?}", rows.objects).contains("Secret-Value"));
    scimulator::covers!("M-073");
    assert_eq!((outcome.counts.users, outcome.counts.users_id_derived), (2, 2));
    assert_eq!(outcome.files[0].rows, 2);
}

#[test]
fn group_downloads_and_membership_templates_are_joined_by_file_name() {
    let folder = data("downloads");
    let (rows, outcome) = read(&folder);
    assert!(!has_errors(&outcome.diagnostics), "{}", findings(&folder, &outcome));
    let sales = rows.object("Sales");
    check_texts(
        sales,
        &[("securityEnabled", "False"), ("mailEnabled", "True"), ("groupType", "Microsoft 365")],
    );
    check_texts(rows.object("Paris"), &[("securityEnabled", "True"), ("dirSyncEnabled", "True")]);
    assert_eq!(
        rows.members(),
        [
            ("7d3bfd17-0003-4000-8000-000000000002", "ann@example.com"),
            ("Sales", "7d3bfd17-0003-4000-8000-0000000000aa"),
            ("Sales", "7d3bfd17-0003-4000-8000-000000000002"),
        ]
    );
}

#[test]
fn graph_pages_give_the_older_names_references_and_removals() {
    let folder = data("graph");
    let (rows, outcome) = read(&folder);
    assert_eq!(findings(&folder, &outcome), "");
    let mia = rows.object("mia@contoso.com");
    assert_eq!(mia.id, "7d3bfd17-0004-4000-8000-000000000001");
    check_texts(
        mia,
        &[
            ("displayName", "Mia Størm"),
            ("accountEnabled", "True"),
            ("physicalDeliveryOfficeName", "4/2"),
            ("mobile", "+47 555 01 003"),
            ("telephoneNumber", "+47 555 01 001"),
            ("facsimileTelephoneNumber", "+47 555 01 004"),
            ("dirSyncEnabled", "(absent)"),
            ("extensionAttribute1", "one"),
            ("extensionAttribute2", "(absent)"),
            ("employeeOrgData.costCenter", "CC-7"),
            ("employeeOrgData.division", "North"),
            ("extension_0123456789abcdef_badge", "17"),
            ("manager", "7d3bfd17-0004-4000-8000-000000000002"),
        ],
    );
    assert_eq!(mia.attributes.len(), 13, "{:?}", mia.attributes.keys());
    assert_eq!(
        mia.attributes.get("proxyAddresses").cloned(),
        Some(list(&["SMTP:mia@contoso.com", "smtp:m@contoso.com"]))
    );
    let places: Vec<String> = rows
        .objects
        .iter()
        .map(|(_, place)| format!("{}:{}", place.line.unwrap(), place.column.unwrap()))
        .collect();
    assert_eq!(places, ["5:5", "2:3", "2:3", "4:3"]);
    let nils = rows.object("nils@contoso.com");
    assert_eq!(nils.deleted, Some("2026-07-31T22:00:00Z".parse().unwrap()));
    let removed: Vec<(&str, Removal)> =
        rows.removals.iter().map(|(row, _)| (row.id.as_str(), row.removal)).collect();
    assert_eq!(
        removed,
        [
            ("7d3bfd17-0004-4000-8000-000000000003", Removal::SoftDeleted),
            ("7d3bfd17-0004-4000-8000-000000000004", Removal::Purged),
        ]
    );
    assert_eq!(rows.object("Fjord").attributes.get("groupTypes").cloned(), Some(list(&["Unified"])));
    check_texts(rows.object("Fjell"), &[("securityEnabled", "True")]);
    assert_eq!(
        rows.members(),
        [
            ("7d3bfd17-0004-4000-8000-000000000005", "7d3bfd17-0004-4000-8000-000000000001"),
            ("7d3bfd17-0004-4000-8000-000000000006", "7d3bfd17-0004-4000-8000-000000000005"),
        ]
    );
}

#[test]
fn one_toml_file_may_hold_everything() {
    let folder = data("toml");
    let mut rows = Rows::default();
    let options = ReadOptions { multi_valued: ["SKILLS".to_owned()].into() };
    let outcome = read_folder(&folder, &options, &mut rows).unwrap();
    assert_eq!(findings(&folder, &outcome), "");
    let ida = rows.object("ida@example.com");
    check_texts(
        ida,
        &[
            ("accountEnabled", "False"),
            ("employeeHireDate", "2026-01-02"),
            ("employeeOrgData.costCenter", "CC-1"),
            ("shoeSize", "42"),
            ("department", "(absent)"),
        ],
    );
    assert_eq!(
        ida.attributes.get("proxyAddresses").cloned(),
        Some(list(&["smtp:i@example.com", "SMTP:ida@example.com"]))
    );
    assert_eq!(
        ida.attributes.get("SKILLS").cloned(),
        Some(list(&["knots", "maps"])),
        "the declaration's letter case"
    );
    let jon = rows.object("jon@example.com");
    assert_eq!(jon.deleted, Some("2026-08-01T00:00:00Z".parse().unwrap()));
    check_texts(jon, &[("manager", "ida@example.com"), ("accountEnabled", "True")]);
    let crew = rows.object("Crew").id.clone();
    assert_eq!(
        rows.members(),
        [(crew.as_str(), "ida@example.com"), (&crew, "Mates"), ("Mates", "jon@example.com")]
    );
    assert_eq!(rows.assigned(), [("Crew", Some("Admin"), Some("staging")), ("ida@example.com", None, None)]);
    let roles: Vec<(Role, u64)> = outcome.files.iter().map(|file| (file.role, file.rows)).collect();
    assert_eq!(roles, [(Role::Users, 2), (Role::Groups, 2), (Role::Members, 1), (Role::Assignments, 2)]);
    assert_eq!(rows.objects[0].1, Place::at(folder.join("directory.toml"), 9, 1));
}

#[test]
fn cells_are_split_only_where_an_attribute_has_several_values() {
    let csv = "userPrincipalName,proxyAddresses,otherMails,skills,Motto,accountEnabled,ACCOUNTenabled2\n\
               a@example.com,x;y ;;z,,p;q,one; two,tRuE,\n";
    let folder = folder(&[("users.csv", csv)]);
    let mut rows = Rows::default();
    let options = ReadOptions { multi_valued: ["skills".to_owned()].into() };
    let outcome = read_folder(folder.path(), &options, &mut rows).unwrap();
    assert_eq!(outcome.diagnostics, []);
    let a = rows.object("a@example.com");
    let expected = [
        ("Motto", AttributeValue::Text("one; two".to_owned())),
        ("accountEnabled", AttributeValue::Text("True".to_owned())),
        ("proxyAddresses", list(&["x", "y", "z"])),
        ("skills", list(&["p", "q"])),
        ("userPrincipalName", AttributeValue::Text("a@example.com".to_owned())),
    ];
    assert_eq!(a.attributes, expected.map(|(name, value)| (name.to_owned(), value)).into());
}

#[test]
fn headings_without_rows_are_an_honest_empty_list_of_members_and_assignments() {
    for (members, assignments) in [
        (("members.csv", "group,member\n"), ("assignments.csv", "principal,appRole\n")),
        (("members.toml", "member = []\n"), ("assignments.toml", "assignment = []\n")),
    ] {
        let folder = folder(&[("users.csv", "userPrincipalName\na@example.com\n"), members, assignments]);
        let (rows, outcome) = read(folder.path());
        assert_eq!(outcome.diagnostics, []);
        let roles: Vec<(Role, u64)> = outcome.files.iter().map(|file| (file.role, file.rows)).collect();
        assert_eq!(roles, [(Role::Users, 1), (Role::Members, 0), (Role::Assignments, 0)]);
        assert_eq!((rows.memberships.len(), rows.assignments.len()), (0, 0));
    }
}

#[test]
fn what_spreadsheets_write_reads_alike() {
    let text = "userPrincipalName\tdisplayName\r\nzoe@example.com\t\"Zoë \"\"Z\"\" Å\"\r\n\t\r\n";
    let semicolons = text.replace('\t', ";");
    let commas = text.replace('\t', ",").replace("\r\n", "\n");
    let utf_16 = |text: &str, unit: fn(u16) -> [u8; 2]| -> Vec<u8> {
        std::iter::once(0xFEFF).chain(text.encode_utf16()).flat_map(unit).collect()
    };
    let editions = [
        utf_16(text, u16::to_le_bytes),
        utf_16(text, u16::to_be_bytes),
        format!("\u{FEFF}{semicolons}").into_bytes(),
        commas.clone().into_bytes(),
        commas.trim_end_matches([',', '\n']).as_bytes().to_vec(),
        commas.replace('\n', "\r").into_bytes(),
    ];
    for bytes in editions {
        let folder = folder(&[("Users.CSV", &bytes)]);
        let (rows, outcome) = read(folder.path());
        assert_eq!(outcome.diagnostics, [], "{:?}", String::from_utf8_lossy(&bytes));
        assert_eq!(rows.objects.len(), 1);
        check_texts(rows.object("zoe@example.com"), &[("displayName", "Zoë \"Z\" Å")]);
        assert_eq!(rows.objects[0].1.line, Some(2));
    }
}

#[cfg(unix)]
#[test]
fn derived_ids_are_stable_and_know_kinds_apart() {
    let id = derived_id(ObjectKind::User, "Adele@Contoso.com ");
    assert_eq!(id, derived_id(ObjectKind::User, "adele@contoso.COM"));
    assert_ne!(id, derived_id(ObjectKind::Group, "adele@contoso.com"));
    // Version 5 by RFC 9562, computed with another implementation.
    assert_eq!(id, "79921091-c8c4-5f2a-8aa2-c6ea1d733ebd");

    let folder =
        folder(&[("users.csv", "objectId,userPrincipalName\n,ADELE@contoso.com\n b-1 ,b@contoso.com\n")]);
    let (rows, outcome) = read(folder.path());
    assert_eq!((&rows.objects[0].0.id, rows.objects[0].0.id_given), (&id, false));
    assert_eq!((rows.objects[1].0.id.as_str(), rows.objects[1].0.id_given), ("b-1", true));
    assert_eq!((outcome.counts.users, outcome.counts.users_id_derived), (2, 1));
}

#[test]
fn a_change_of_the_folder_shows_in_its_stat() {
    let folder = folder(&[("users.csv", "userPrincipalName\na@example.com\n"), ("notes.txt", "x")]);
    let before = stat_folder(folder.path()).unwrap();
    assert_eq!(before, stat_folder(folder.path()).unwrap());
    fs::write(folder.path().join("notes.txt"), "other").unwrap();
    assert_eq!(before, stat_folder(folder.path()).unwrap(), "a file that is not read does not count");
    fs::write(folder.path().join("users.csv"), "userPrincipalName\na@example.com\nb@example.com\n").unwrap();
    let grown = stat_folder(folder.path()).unwrap();
    assert_ne!(before, grown);
    fs::create_dir(folder.path().join("members")).unwrap();
    fs::write(folder.path().join("members/Sales.csv"), "id\n1\n").unwrap();
    assert_ne!(grown, stat_folder(folder.path()).unwrap());
}
