//! Keys that shape requests (`wire.md 13`, and of `mapping.md 11` what ends up in a body).

use scimulator::http::Method;
use serde_json::{Value, json};

use super::{Row, world};
use crate::engine::harness::{Sent, World, upn};

/// The profile of users with these rows and target attributes, beside `userName`.
fn profiled(fidelity: &str, rows: &str, attributes: &str) -> World {
    let world = world("profile = 'p.toml'\nscope = 'all'", fidelity);
    world.project.write(
        "p.toml",
        &format!(
            "name = 'p'\ntitle = 'P'\ngallery = true\n[user]\nname = 'Users'\n\
             target = 'urn:ietf:params:scim:schemas:core:2.0:User'\n\
             attributes = [{{ name = 'id', anchor = true }}, {{ name = 'userName', required = true }}, {attributes}]\n\
             mappings = [{{ attribute = 'userPrincipalName', target = 'userName', matching = 1 }}, {rows}]\n"
        ),
    );
    world
}

/// What was sent with that method, one body a line.
fn bodies(world: &mut World, method: Method, path: &str) -> Vec<Value> {
    let sent = world.sent().into_iter();
    sent.filter(|sent| sent.method == method && sent.path.starts_with(path)).map(|sent| sent.json()).collect()
}

/// The operations of the only PATCH of a cycle, with names in place of ids.
fn patched(world: &mut World) -> String {
    world.sent();
    world.clean_cycle();
    let lines: Vec<String> = world.requests().into_iter().filter(|line| line.starts_with("PATCH")).collect();
    let [line] = &lines[..] else { panic!("one PATCH: {lines:?}") };
    line.splitn(3, ' ')
        .nth(2)
        .unwrap()
        .replace("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User", "URN")
}

/// What happens to somebody's manager: set in one cycle, or taken away in the next.
fn manager(fidelity: &str, removed: bool) -> String {
    let mut world = world("", fidelity);
    world.people.user("m", &[]).user("u", &[]).assign("m").assign("u");
    if removed {
        world.people.set("u", "manager", &upn("m"));
    }
    world.clean_cycle();
    world.people.set("u", "manager", &if removed { String::new() } else { upn("m") });
    patched(&mut world)
}

fn manager_removed(fidelity: &str) -> String {
    manager(fidelity, true)
}

fn manager_removed_optscim(fidelity: &str) -> String {
    manager(&format!("dialect = 'optscim'\n{fidelity}"), true)
}

/// The group `G` with as many members, in a cycle after the one that creates everything.
fn members(fidelity: &str, count: usize) -> World {
    let mut world = world("", fidelity);
    world.people.group("G").assign("G");
    for number in 0..count {
        let name = format!("u{number}");
        world.people.user(&name, &[]).assign(&name);
    }
    world.clean_cycle();
    world.sent();
    for number in 0..count {
        world.people.member("G", &format!("u{number}"));
    }
    world.clean_cycle();
    world
}

/// `schemas` and `members` of a group's create.
fn group_create(fidelity: &str) -> String {
    let mut world = world("", fidelity);
    world.people.user("u", &[]).group("G").assign("G");
    world.clean_cycle();
    let [body] = &bodies(&mut world, Method::Post, "/Groups")[..] else { panic!("one create") };
    let schemas: Vec<&str> =
        body["schemas"].as_array().unwrap().iter().map(|uri| uri.as_str().unwrap()).collect();
    let schemas = schemas.iter().map(|uri| uri.split(['/', ':']).nth_back(1).unwrap()).collect::<Vec<_>>();
    format!("{} members {}", schemas.join(" "), body.get("members").unwrap_or(&"absent".into()))
}

fn group_create_legacy(fidelity: &str) -> String {
    group_create(&format!("dialect = 'legacy2018'\n{fidelity}"))
}

/// A member of the create of `u` in a profiled job.
fn created(fidelity: &str, rows: &str, attributes: &str, member: &str) -> String {
    let mut world = profiled(fidelity, rows, attributes);
    world.people.user("u", &[("city", "Oslo"), ("mail", "u@x.com")]);
    world.cycle();
    match &bodies(&mut world, Method::Post, "/Users")[..] {
        [body] => body.get(member).map_or_else(|| "absent".to_owned(), Value::to_string),
        bodies => format!("{} creates", bodies.len()),
    }
}

/// What an update of an account that is there sends in a profiled job.
fn updated(fidelity: &str, rows: &str, attributes: &str, held: &Value) -> String {
    let mut world = profiled(fidelity, rows, attributes);
    world.people.user("u", &[("city", "Oslo"), ("employeeId", "42")]);
    let mut account =
        json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": upn("u") });
    account.as_object_mut().unwrap().extend(held.as_object().unwrap().clone());
    world.by_hand(Method::Post, "/Users", Some(&account));
    world.clean_cycle();
    let sent = bodies(&mut world, Method::Patch, "/Users");
    sent.first().map_or_else(|| "nothing".to_owned(), |body| body["Operations"].to_string())
}

const EXTENSION: &str = "urn:ietf:params:scim:schemas:extension:Own:2.0:User";

pub(super) const ROWS: &[Row] = &[
    Row {
        key: "active_style",
        see: |lines| {
            let mut world = world("", lines);
            world.people.user("u", &[]).assign("u");
            world.clean_cycle();
            world.people.set("u", "accountEnabled", "False");
            patched(&mut world)
        },
        words: &[
            (r#""string""#, r#"[{"op":"Replace","path":"active","value":"False"}]"#),
            (r#""boolean""#, r#"[{"op":"Replace","path":"active","value":false}]"#),
        ],
    },
    Row {
        key: "manager_style",
        see: |lines| manager(lines, false),
        words: &[
            (r#""string""#, r#"[{"op":"Add","path":"URN:manager","value":"{m}"}]"#),
            (r#""object""#, r#"[{"op":"Add","path":"URN:manager","value":{"value":"{m}"}}]"#),
            (
                r#""array""#,
                r#"[{"op":"Add","path":"manager","value":[{"$ref":"http://embedded.invalid/scim/v2/Users/{m}","value":"{m}"}]}]"#,
            ),
        ],
    },
    Row {
        key: "manager_remove_style",
        see: manager_removed,
        words: &[
            (r#""dialect""#, r#"[{"op":"Remove","path":"URN:manager","value":"{m}"}]"#),
            (r#""filter""#, r#"[{"op":"Remove","path":"URN:manager[value eq \"{m}\"]"}]"#),
            (r#""filter_without_urn""#, r#"[{"op":"Remove","path":"manager[value eq \"{m}\"]"}]"#),
            (r#""path_only""#, r#"[{"op":"Remove","path":"URN:manager"}]"#),
            (r#""empty_string""#, r#"[{"op":"Replace","path":"URN:manager","value":""}]"#),
            (r#""empty_object""#, r#"[{"op":"Replace","path":"URN:manager","value":{"value":""}}]"#),
        ],
    },
    Row {
        key: "manager_remove_style",
        see: manager_removed_optscim,
        words: &[
            (r#""dialect""#, r#"[{"op":"remove","path":"URN:manager[value eq \"{m}\"]"}]"#),
            (r#""value""#, r#"[{"op":"remove","path":"URN:manager","value":"{m}"}]"#),
        ],
    },
    Row {
        // `wire.md 7`: the flag rides in the query part of the tenant URL, so it comes before what a request adds.
        key: "forward_flags",
        see: |lines| {
            let mut world = world("", &format!("probe = 'off'\n{lines}"));
            let config = world.project.read("scimulator.toml");
            let url = "'http://127.0.0.1/scim/v2?aadOptscim062020'";
            world.project.write("scimulator.toml", &config.replace("\"embedded\"", url));
            world.people.user("u", &[]).assign("u");
            world.clean_cycle();
            let sent: Vec<String> =
                world.sent().iter().map(|Sent { method, path, .. }| format!("{method} {path}")).collect();
            sent.join(" ")
        },
        words: &[
            ("false", "GET /Users?filter=userName+eq+%22u%40contoso.com%22 POST /Users"),
            (
                "true",
                "GET /Users?aadOptscim062020&filter=userName+eq+%22u%40contoso.com%22 POST /Users?aadOptscim062020",
            ),
        ],
    },
    Row {
        key: "member_batch",
        see: |lines| {
            let sent = bodies(&mut members(lines, 3), Method::Patch, "/Groups");
            let sizes =
                sent.iter().map(|body| body["Operations"][0]["value"].as_array().unwrap().len().to_string());
            sizes.collect::<Vec<_>>().join(" ")
        },
        words: &[("100", "3"), ("2", "2 1"), ("1", "1 1 1")],
    },
    Row {
        key: "group_create_style",
        see: group_create,
        words: &[
            (r#""dialect""#, "2.0 members []"),
            (r#""plain""#, r#"2.0 members "absent""#),
            (r#""documented""#, r#"2.0 2.0 members "absent""#),
        ],
    },
    Row {
        key: "group_create_style",
        see: group_create_legacy,
        words: &[(r#""dialect""#, r#"2.0 2.0 members "absent""#), (r#""observed""#, "2.0 members []")],
    },
    Row {
        key: "member_ref_null",
        see: |lines| {
            bodies(&mut members(lines, 1), Method::Patch, "/Groups")[0]["Operations"][0]["value"][0]
                .as_object()
                .unwrap()
                .keys()
                .cloned()
                .collect::<Vec<_>>()
                .join(" ")
        },
        words: &[("false", "value"), ("true", "$ref value")],
    },
    Row {
        key: "reference_precheck",
        see: |lines| {
            let lines = members(lines, 1).requests();
            lines.iter().map(|line| line.split(" [").next().unwrap()).collect::<Vec<_>>().join(" ")
        },
        words: &[
            ("false", "GET /Groups/{G}?excludedAttributes=members PATCH /Groups/{G}"),
            (
                "true",
                "GET /Groups/{G}?excludedAttributes=members \
                 GET /Groups?attributes=id&filter=id+eq+%22{G}%22+and+members+eq+%22{u0}%22 PATCH /Groups/{G}",
            ),
        ],
    },
    Row {
        key: "roles_style",
        see: |lines| {
            let rows = r#"{ constant = "Admin", target = 'roles[primary eq "True"].value' }"#;
            created(lines, rows, r#"{ name = 'roles[primary eq "True"].value' }"#, "roles")
        },
        words: &[
            (
                r#""boolean""#,
                r#"[{"primary":true,"type":"WindowsAzureActiveDirectoryRole","value":"Admin"}]"#,
            ),
            (
                r#""string""#,
                r#"[{"primary":"True","type":"WindowsAzureActiveDirectoryRole","value":"Admin"}]"#,
            ),
        ],
    },
    Row {
        key: "roles_always",
        see: |lines| created(lines, "", "", "roles"),
        words: &[("false", "absent"), ("true", "[]")],
    },
    Row {
        key: "filter_escape",
        see: |lines| {
            let mut world = world("scope = 'all'", lines);
            world.people.user("a\"b\\c", &[]);
            world.cycle();
            let sent = world.requests();
            sent.first().cloned().unwrap_or_else(|| world.log_lines()[0].clone())
        },
        words: &[
            (
                r#""refuse""#,
                "a\"b\\c create failure SystemForCrossDomainIdentityManagementServiceIncompatibleFiltering",
            ),
            (r#""none""#, "GET /Users?filter=userName+eq+%22a%22b%5Cc%40contoso.com%22"),
            (r#""backslash""#, "GET /Users?filter=userName+eq+%22a%5C%22b%5C%5Cc%40contoso.com%22"),
        ],
    },
    Row {
        key: "list_on_single",
        see: |lines| {
            let rows = r#"{ expression = 'Split("a,b", ",")', target = 'title' }"#;
            created(lines, rows, "{ name = 'title' }", "title")
        },
        words: &[(r#""error""#, "0 creates"), (r#""first""#, r#""a""#)],
    },
    Row {
        key: "optscim_merge",
        see: |lines| {
            let mut world = world("", &format!("dialect = 'optscim'\n{lines}"));
            world.people.user("u", &[("jobTitle", "Clerk")]).assign("u");
            world.clean_cycle();
            world.people.set("u", "jobTitle", "Boss").set("u", "accountEnabled", "False");
            patched(&mut world)
        },
        words: &[
            (
                r#""single""#,
                r#"[{"op":"replace","path":"active","value":false},{"op":"replace","value":{"title":"Boss"}}]"#,
            ),
            (
                r#""several""#,
                r#"[{"op":"replace","path":"active","value":false},{"op":"replace","path":"title","value":"Boss"}]"#,
            ),
            (r#""active""#, r#"[{"op":"replace","value":{"active":false,"title":"Boss"}}]"#),
        ],
    },
    Row {
        key: "envelope_order",
        see: |lines| {
            let mut world = members(lines, 1);
            let sent = world.sent();
            let patch = sent.iter().find(|sent| sent.method == Method::Patch).unwrap();
            let text = String::from_utf8(patch.body.clone().unwrap()).unwrap();
            text.split('"').nth(1).unwrap().to_owned()
        },
        words: &[(r#""schemas_first""#, "schemas"), (r#""operations_first""#, "Operations")],
    },
    Row {
        key: "none_fills_gaps",
        see: |lines| {
            updated(lines, "{ target = 'title', default = 'Clerk' }", "{ name = 'title' }", &json!({}))
        },
        words: &[("true", r#"[{"op":"Add","path":"title","value":"Clerk"}]"#), ("false", "nothing")],
    },
    Row {
        // `mapping.md 1.3`: null or empty takes the default of the mapping.
        key: "empty_flows",
        see: |lines| {
            let rows = "{ expression = 'Left([city], 0)', target = 'title', default = 'Clerk' }";
            created(lines, rows, "{ name = 'title' }", "title")
        },
        words: &[("false", r#""Clerk""#), ("true", r#""""#)],
    },
    Row {
        key: "empty_flows",
        see: |lines| {
            let rows = "{ expression = 'Left([city], 0)', target = 'title' }";
            updated(lines, rows, "{ name = 'title' }", &json!({ "title": "Clerk" }))
        },
        words: &[("false", "nothing"), ("true", r#"[{"op":"Replace","path":"title","value":""}]"#)],
    },
    Row {
        key: "typed_json_values",
        see: |lines| {
            let attribute = format!("{{ name = '{EXTENSION}:desk', type = 'Integer' }}");
            let row = format!("{{ attribute = 'employeeId', target = '{EXTENSION}:desk' }}");
            updated(lines, &row, &attribute, &json!({})).replace(EXTENSION, "URN")
        },
        words: &[
            ("true", r#"[{"op":"Add","path":"URN:desk","value":42}]"#),
            ("false", r#"[{"op":"Add","path":"URN:desk","value":"42"}]"#),
        ],
    },
    Row {
        key: "primary_marks",
        see: |lines| {
            let rows = r#"{ attribute = 'mail', target = 'emails[type eq "work"].value' }"#;
            created(lines, rows, r#"{ name = 'emails[type eq "work"].value' }"#, "emails")
        },
        words: &[
            ("true", r#"[{"primary":true,"type":"work","value":"u@x.com"}]"#),
            ("false", r#"[{"type":"work","value":"u@x.com"}]"#),
        ],
    },
    Row {
        // `wire.md 9.3`: the whole list, every time.
        key: "assertive_none",
        see: |lines| {
            let rows = "{ expression = 'AssertiveAppRoleAssignmentsComplex([appRoleAssignments])', target = 'roles' }";
            let role = "[[app_role]]\nid = '06b07648-ecfe-589f-9d2f-6325724a46ee'\nvalue = 'Admin'\n\
                        displayName = 'Administrator'\n";
            let mut world =
                profiled(&format!("{lines}{role}"), rows, "{ name = 'roles', multivalued = true }");
            // Roles come with assignments.
            let config = world.project.read("scimulator.toml").replace("scope = 'all'", "");
            world.project.write("scimulator.toml", &config);
            world.saves = false;
            world.project.write("directory/users.csv", "objectId,userPrincipalName\nu,u@contoso.com\n");
            world.project.write("directory/assignments.csv", "principal,appRole\nu@contoso.com,Admin\n");
            world.clean_cycle();
            world.project.write("directory/assignments.csv", "principal,appRole\nu@contoso.com,\n");
            world.sent();
            world.clean_cycle();
            let sent = bodies(&mut world, Method::Patch, "/Users");
            sent.first().map_or_else(|| "nothing".to_owned(), |body| body["Operations"].to_string())
        },
        words: &[("false", "nothing"), ("true", r#"[{"op":"Replace","path":"roles","value":[]}]"#)],
    },
];
