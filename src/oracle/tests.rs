//! The comparison as a table: a small world, what was sent, what is held; whose each difference is.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::model::{
    Filtered, Flow, Kind, Link, Object, Reference, Rule as MappingRule, Settings, Source, State, World,
};
use super::wire::tests::{BASE, exchange};
use super::{Difference, Question, Verdict, compare};
use crate::client::{Exchange, ExchangeError, Outcome};
use crate::directory::object::ObjectKind::{self, Group, User};
use crate::expression::{AttributeValue, Expression, ParseOptions, Switches};

fn mapped(path: &str, attribute: &str) -> MappingRule {
    MappingRule {
        path: path.to_owned(),
        source: Source::Direct(attribute.to_owned()),
        default: None,
        flow: Flow::Always,
        matching: attribute == "userPrincipalName" || path == "displayName" && attribute == "displayName",
        exact: true,
        multivalued: false,
        returned: true,
    }
}

fn settings() -> Settings {
    let active = Expression::parse("Not([IsSoftDeleted])", &ParseOptions::default()).unwrap();
    let all = Kind { enabled: true, create: true, update: true, delete: true, ..Kind::default() };
    Settings {
        everybody: true,
        users: Kind {
            rules: vec![
                mapped("userName", "userPrincipalName"),
                MappingRule { source: Source::Expression(active), ..mapped("active", "") },
                mapped("title", "jobTitle"),
            ],
            ..all.clone()
        },
        groups: Kind {
            rules: vec![mapped("displayName", "displayName")],
            reference: Some(Reference { path: "members".to_owned(), kinds: vec![User, Group] }),
            ..all
        },
        skip_out_of_scope: false,
        covers_soft_delete: true,
        keeps_groups: false,
        can_disable: true,
        deletes_unmapped: false,
        expressions: Switches::default(),
        roles: BTreeMap::new(),
        roles_off: BTreeSet::new(),
        recovers_creates: true,
    }
}

/// Ann, clerk, linked to account 1; the group of her, linked to 9.
fn world() -> World {
    let text = |text: &str| AttributeValue::Text(text.to_owned());
    let object = |label: &str, attributes: &[(&str, &str)], target: &str| Object {
        label: label.to_owned(),
        attributes: attributes.iter().map(|(name, value)| ((*name).to_owned(), text(value))).collect(),
        state: State::Active,
        filtered: Filtered::Passes,
        link: Some(Link { target_id: target.to_owned(), managed: true }),
        pending: false,
        escrow: None,
        held_back: false,
        left_over: false,
    };
    let ann = object("ann", &[("userPrincipalName", "ann"), ("jobTitle", "Clerk")], "1");
    let team = object("Team", &[("displayName", "Team")], "9");
    World {
        objects: [((User, "a".to_owned()), ann), ((Group, "t".to_owned()), team)].into(),
        members: [("t".to_owned(), ["a".to_owned()].into())].into(),
        ..World::default()
    }
}

fn ann(world: &mut World) -> &mut Object {
    world.objects.get_mut(&(User, "a".to_owned())).unwrap()
}

fn team(world: &mut World) -> &mut Object {
    world.objects.get_mut(&(Group, "t".to_owned())).unwrap()
}

fn held_ann() -> Value {
    json!({ "id": "1", "userName": "ann", "active": true, "title": "Clerk" })
}

fn held_team() -> Value {
    json!({ "id": "9", "displayName": "Team", "members": [{ "value": "1" }] })
}

/// What led there: both creates, and the member.
fn story() -> Vec<Exchange> {
    let member = json!({ "Operations": [{ "op": "Add", "path": "members", "value": [{ "value": "1" }] }] });
    vec![
        exchange(1, (User, "a"), ("POST", "/Users"), Some(held_ann()), (201, Some(held_ann()))),
        exchange(
            1,
            (Group, "t"),
            ("POST", "/Groups"),
            Some(json!({ "displayName": "Team" })),
            (201, Some(json!({ "id": "9" }))),
        ),
        exchange(1, (Group, "t"), ("PATCH", "/Groups/9"), Some(member), (204, None)),
    ]
}

fn patch(path: &str, value: &str, status: u16) -> Exchange {
    let body = json!({ "Operations": [{ "op": "Replace", "path": path, "value": value }] });
    exchange(2, (User, "a"), ("PATCH", "/Users/1"), Some(body), (status, None))
}

/// A case: the settings, the world, what was sent, what is held.
struct Case {
    settings: Settings,
    world: World,
    sent: Vec<Exchange>,
    held: Vec<(ObjectKind, Value)>,
    unread: BTreeSet<(ObjectKind, String)>,
    since: usize,
}

/// What is found: about whom, what, whose, and the request to blame.
#[track_caller]
fn check(arrange: impl FnOnce(&mut Case), wanted: &[(&str, &str, Option<usize>)]) {
    let mut case = Case {
        settings: settings(),
        world: world(),
        sent: story(),
        held: vec![(User, held_ann()), (Group, held_team())],
        unread: BTreeSet::new(),
        since: 0,
    };
    arrange(&mut case);
    let report = compare(&Question {
        settings: &case.settings,
        world: &case.world,
        held: &case.held,
        unread: &case.unread,
        exchanges: &case.sent,
        base_url: BASE,
        since: case.since,
        now: "2026-01-15T09:00:00Z".parse().unwrap(),
    });
    let found: Vec<_> = report
        .findings
        .iter()
        .map(|found| {
            let what = match &found.difference {
                Difference::Drifted { path, .. } => format!("{} {path}", found.label),
                other @ (Difference::Missing | Difference::Orphan) => {
                    format!("{} {}", found.label, other.as_str())
                }
            };
            let whose = match found.verdict {
                Verdict::BlindSpot(rule) => rule.as_str(),
                other @ (Verdict::App | Verdict::Ours) => other.as_str(),
            };
            (what, whose, found.guilty)
        })
        .collect();
    let found: Vec<_> = found.iter().map(|(what, whose, guilty)| (what.as_str(), *whose, *guilty)).collect();
    assert_eq!(found, wanted, "{report:#?}");
}

fn set(case: &mut Case, at: usize, name: &str, value: Value) {
    case.held[at].1[name] = value;
}

#[test]
fn what_is_as_it_should_be_is_no_finding() {
    check(|_| {}, &[]);
    // In other letters, where they do not count; a truth in any letters.
    check(
        |case| {
            case.settings.users.rules[0].exact = false;
            set(case, 0, "userName", json!("ANN"));
            set(case, 0, "active", json!("true"));
        },
        &[],
    );
}

#[test]
fn the_request_that_said_so_is_to_blame_unless_it_was_right_after_it() {
    check(|case| set(case, 0, "title", json!("Boss")), &[("ann title", "app", Some(0))]);
    check(
        |case| {
            case.sent.push(patch("title", "Clerk", 200));
            set(case, 0, "title", json!("Boss"));
        },
        &[("ann title", "app", Some(3))],
    );
    check(
        |case| {
            case.sent.push(patch("title", "Clerk", 400));
            set(case, 0, "title", json!("Boss"));
        },
        &[("ann title", "app", Some(3))],
    );
    // A read shows that it was right; then a request about something else, or none.
    let read = || exchange(2, (User, "a"), ("GET", "/Users/1"), None, (200, Some(held_ann())));
    check(
        |case| {
            case.sent.extend([read(), patch("active", "True", 200)]);
            set(case, 0, "title", json!("Boss"));
        },
        &[("ann title", "app", Some(4))],
    );
    check(
        |case| {
            case.sent.push(read());
            set(case, 0, "title", json!("Boss"));
        },
        &[("ann title", "app", None)],
    );
    check(
        |case| {
            case.since = case.sent.len();
            set(case, 0, "title", json!("Boss"));
        },
        &[("ann title", "app", None)],
    );
}

#[test]
fn what_was_never_told_is_ours_or_a_rule() {
    check(
        |case| {
            let title = AttributeValue::Text("Boss".to_owned());
            ann(&mut case.world).attributes.insert("jobTitle".to_owned(), title);
        },
        &[("ann title", "ours", None)],
    );
    check(
        |case| {
            ann(&mut case.world).attributes.remove("jobTitle");
        },
        &[("ann title", "null-never-cleared", None)],
    );
    // A value that the app gave by itself is no finding.
    check(
        |case| {
            ann(&mut case.world).attributes.remove("jobTitle");
            let made = json!({ "id": "1", "userName": "ann", "active": true });
            case.sent[0] =
                exchange(1, (User, "a"), ("POST", "/Users"), Some(made.clone()), (201, Some(made)));
        },
        &[],
    );
    for (flow, rule) in [(Flow::OnCreate, "flow-only-on-create"), (Flow::Adds, "flow-only-adds")] {
        check(
            |case| {
                let title = AttributeValue::Text("Boss".to_owned());
                ann(&mut case.world).attributes.insert("jobTitle".to_owned(), title);
                case.settings.users.rules[2].flow = flow;
            },
            &[("ann title", rule, None)],
        );
    }
    check(
        |case| {
            let title = AttributeValue::Text("Boss".to_owned());
            ann(&mut case.world).attributes.insert("jobTitle".to_owned(), title);
            ann(&mut case.world).escrow = Some("an expression failed".to_owned());
        },
        &[("ann title", "not-exported", None)],
    );
    // Without a journal the state is believed.
    check(
        |case| {
            case.sent.clear();
            set(case, 0, "title", json!("Boss"));
        },
        &[("ann title", "app", None)],
    );
}

#[test]
fn whoever_came_back_is_put_back_by_the_next_full_read() {
    let back = |case: &mut Case| {
        let removal =
            json!({ "Operations": [{ "op": "Remove", "path": "members", "value": [{ "value": "1" }] }] });
        case.sent.push(exchange(2, (Group, "t"), ("PATCH", "/Groups/9"), Some(removal), (204, None)));
        case.held[1].1["members"] = json!([]);
        let history = &mut case.world.history;
        history.restored.insert("a".to_owned(), "2026-01-10T00:00:00Z".parse().unwrap());
        let read = |cycle: u64, at: &str| (cycle, at.parse().unwrap());
        history.began = [read(1, "2026-01-05T08:00:00Z"), read(3, "2026-01-10T08:00:00Z")].into();
        history.full_reads = [1].into();
    };
    check(back, &[("Team members", "lost-membership", None)]);
    check(
        |case| {
            back(case);
            case.world.history.full_reads.insert(3);
        },
        &[("Team members", "ours", None)],
    );
    // Whoever joins afterwards was never lost.
    check(
        |case| {
            back(case);
            let joined = ("t".to_owned(), "a".to_owned());
            case.world.history.joined.insert(joined, "2026-01-11T00:00:00Z".parse().unwrap());
        },
        &[("Team members", "ours", None)],
    );
}

#[test]
fn a_missing_account_was_refused_lost_removed_or_never_asked_for() {
    let unlinked = |case: &mut Case| {
        ann(&mut case.world).link = None;
        case.held.remove(0);
        case.sent.clear();
        case.held[0].1["members"] = json!([]);
    };
    check(unlinked, &[("ann missing", "ours", None)]);
    check(
        |case| {
            unlinked(case);
            case.sent.push(exchange(1, (User, "a"), ("POST", "/Users"), Some(held_ann()), (400, None)));
        },
        &[("ann missing", "app", Some(0))],
    );
    check(
        |case| {
            unlinked(case);
            let two = json!({ "totalResults": 2, "Resources": [{ "id": "x" }, { "id": "y" }] });
            case.sent.push(exchange(
                1,
                (User, "a"),
                ("GET", "/Users?filter=userName+eq+x"),
                None,
                (200, Some(two)),
            ));
        },
        &[("ann missing", "app", Some(0))],
    );
    check(
        |case| {
            unlinked(case);
            ann(&mut case.world).attributes.remove("userPrincipalName");
        },
        &[("ann missing", "no-matching-value", None)],
    );
    check(
        |case| {
            unlinked(case);
            case.settings.users.create = false;
        },
        &[("ann missing", "action-off", None)],
    );
    check(
        |case| {
            unlinked(case);
            ann(&mut case.world).pending = true;
        },
        &[],
    );
    let lost = |case: &mut Case| {
        case.held.remove(0);
    };
    check(lost, &[("ann missing", "app", Some(0))]);
    check(
        |case| {
            lost(case);
            case.sent.push(exchange(2, (User, "a"), ("DELETE", "/Users/1"), None, (204, None)));
        },
        &[("ann missing", "ours", Some(3))],
    );
}

#[test]
fn an_orphan_was_to_be_deleted_or_is_a_second_account() {
    let gone = |case: &mut Case| {
        ann(&mut case.world).state = State::Gone;
        case.held.remove(1);
        case.world.objects.remove(&(Group, "t".to_owned()));
    };
    check(gone, &[("ann orphan", "ours", None)]);
    for status in [204, 403] {
        check(
            |case| {
                gone(case);
                case.sent.push(exchange(2, (User, "a"), ("DELETE", "/Users/1"), None, (status, None)));
            },
            &[("ann orphan", "app", Some(3))],
        );
    }
    check(
        |case| {
            gone(case);
            ann(&mut case.world).link = None;
            case.sent.push(exchange(2, (User, "a"), ("DELETE", "/Users/1"), None, (204, None)));
        },
        &[("ann orphan", "app", Some(3))],
    );
    check(
        |case| {
            gone(case);
            ann(&mut case.world).link = Some(Link { target_id: "1".to_owned(), managed: false });
        },
        &[("ann orphan", "deleted-out-of-scope", None)],
    );
    check(
        |case| {
            team(&mut case.world).filtered = Filtered::Fails;
            case.settings.keeps_groups = true;
        },
        &[("Team orphan", "group-kept", None)],
    );
    let twin = |case: &mut Case| case.held.push((User, json!({ "id": "2", "userName": "Ann" })));
    check(twin, &[("ann orphan", "app", Some(0))]);
    check(|case| case.held.push((User, json!({ "id": "2", "userName": "admin" }))), &[]);
    // It was made by us, under another name, and nobody heard of it.
    for (recovers_creates, whose, guilty) in [(false, "lost-answer", None), (true, "ours", Some(0))] {
        let lost = |case: &mut Case| {
            case.settings.recovers_creates = recovers_creates;
            let body = json!({ "userName": "maiden" });
            let mut cut = exchange(1, (User, "a"), ("POST", "/Users"), Some(body), (201, None));
            let (kind, message) = ("connect".to_owned(), "cut off".to_owned());
            cut.outcome = Outcome::Error(ExchangeError { kind, message });
            case.sent.insert(0, cut);
            case.held.push((User, json!({ "id": "2", "userName": "maiden" })));
        };
        check(lost, &[("ann orphan", whose, guilty)]);
    }
    // It was there and was not found, so there is another one now.
    check(
        |case| {
            let body = json!({ "id": "2", "userName": "ann" });
            case.sent.insert(
                0,
                exchange(1, (User, "a"), ("POST", "/Users"), Some(body.clone()), (201, Some(body.clone()))),
            );
            case.sent.insert(1, exchange(2, (User, "a"), ("GET", "/Users/2"), None, (404, None)));
            case.held.push((User, body));
        },
        &[("ann orphan", "app", Some(1))],
    );
}

/// What makes a case another one.
type Arrange = fn(&mut Case);

#[test]
fn leaving_scope_disables_or_a_rule_says_why_not() {
    let left = |case: &mut Case| ann(&mut case.world).filtered = Filtered::Fails;
    check(left, &[("ann active", "ours", None)]);
    check(
        |case| {
            left(case);
            case.sent.push(patch("active", "False", 200));
        },
        &[("ann active", "app", Some(3))],
    );
    let arrangements: [(&str, Arrange); 4] = [
        ("skip-out-of-scope-deletions", |case| case.settings.skip_out_of_scope = true),
        ("held-back", |case| ann(&mut case.world).held_back = true),
        ("action-off", |case| case.settings.users.update = false),
        ("soft-delete-not-mapped", |case| {
            case.settings.users.rules.remove(1);
        }),
    ];
    for (rule, arrange) in arrangements {
        check(
            |case| {
                left(case);
                arrange(case);
            },
            &[("ann active", rule, None)],
        );
    }
}

#[test]
fn nothing_is_said_of_an_account_that_could_not_be_read() {
    let lose = |case: &mut Case| case.held.retain(|(kind, _)| *kind != User);
    check(lose, &[("ann missing", "app", Some(0))]); // the create
    check(
        |case| {
            lose(case);
            case.unread.insert((User, held_ann()["id"].as_str().unwrap().to_owned()));
        },
        &[],
    );
}
