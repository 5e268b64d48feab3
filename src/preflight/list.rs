//! The tests, by Microsoft's names (`preflight.md 2` and 3), in the order in which they are told.

use Area::{Groups, Manager, Scim, Users};
use Kind::{Mandatory, Optional, Preview};

/// Whose tests they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Suite {
    /// The gallery validation, a Logic App that drives a tenant and the endpoint (edition of 25 tests).
    Gallery,
    /// The SCIM Validator, a web page that drives the endpoint.
    Validator,
}

impl Suite {
    /// Its name for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Gallery => "Gallery validation",
            Self::Validator => "SCIM Validator",
        }
    }
}

/// What a test is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Area {
    /// Users.
    Users,
    /// Groups; not run where an app takes users alone.
    Groups,
    /// Managers; not run where `manager` is no attribute of the app.
    Manager,
    /// What is said of the endpoint as a whole.
    Scim,
}

impl Area {
    /// Its name for programs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Users => "users",
            Self::Groups => "groups",
            Self::Manager => "manager",
            Self::Scim => "scim",
        }
    }
}

/// What a failure means for the verdict (`preflight.md 1.7`, 3.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It fails the run.
    Mandatory,
    /// It is a warning.
    Optional,
    /// It is shown apart and fails nothing.
    Preview,
}

impl Kind {
    /// Its name in Microsoft's results.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mandatory => "mandatory",
            Self::Optional => "optional",
            Self::Preview => "preview",
        }
    }
}

/// One test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Test {
    /// Its number: `A1` to `A25` of the gallery validation, `B1` to `B25` and `P1` to `P7` of the SCIM Validator.
    pub id: &'static str,
    /// Microsoft's name. The SCIM Validator's are not unique; [`Test::about`] tells them apart.
    pub name: &'static str,
    /// What it looks at.
    pub about: &'static str,
    /// What it is about.
    pub area: Area,
    /// What a failure means.
    pub kind: Kind,
    /// What to change where it fails.
    pub advice: &'static str,
    /// Where the rule is written.
    pub rule: &'static str,
}

impl Test {
    /// Whose it is.
    pub fn suite(&self) -> Suite {
        if self.id.starts_with('A') { Suite::Gallery } else { Suite::Validator }
    }

    /// The name for people.
    pub fn title(&self) -> String {
        match self.suite() {
            Suite::Gallery => self.name.to_owned(),
            Suite::Validator => format!("{} - {}", self.name, self.about),
        }
    }
}

const fn test(
    (id, name, about): (&'static str, &'static str, &'static str),
    (area, kind): (Area, Kind),
    (advice, rule): (&'static str, &'static str),
) -> Test {
    Test { id, name, about, area, kind, advice, rule }
}

const FILTER: &str =
    "answer a filter on the matching attribute with 200 and a ListResponse, an empty one for no match";
const ID_GONE: &str = "answer 404 to whatever is asked of a resource that was deleted or never was";
const CASE: &str = "compare userName and displayName in filters without regard to letter case";
const UNIQUE: &str = "answer 409 to a POST of a name that is taken";
const VALUES: &str = "keep and return every attribute that was sent, or take it off the attribute list";
const PATCH: &str =
    "apply every operation of a PATCH, with or without a path, in order, and answer 200 or 204";
const MANAGER: &str =
    "take a manager as an object, as a bare id and as empty text, and return `manager.value`";
const MEMBERS: &str = "apply `add`, `replace` and `remove` of members, one or many, and nothing beside them";
const LINK: &str = "keep an account that is disabled, with its id, and find it by its userName";

/// Every test.
pub static TESTS: [Test; 57] = [
    test(
        ("A1", "Create_User_Test", "a user is assigned and a cycle creates the account"),
        (Users, Mandatory),
        (FILTER, "preflight.md A1, wire.md 2.4"),
    ),
    test(
        ("A2", "Update_User_Test", "attributes and the userName change"),
        (Users, Mandatory),
        (VALUES, "preflight.md A2, wire.md 4"),
    ),
    test(
        ("A3", "Disable_User_Test", "sign-in is blocked"),
        (Users, Mandatory),
        (
            "keep disabled users in filter results with `active` as the JSON value false",
            "preflight.md A3, wire.md 5.2",
        ),
    ),
    test(("A4", "Delete_User_Test", "a user is purged"), (Users, Optional), (ID_GONE, "preflight.md A4, X4")),
    test(
        ("A5", "User_Update_Manager_Test", "a manager is set, exchanged and removed"),
        (Manager, Mandatory),
        (MANAGER, "preflight.md A5, wire.md 4.7"),
    ),
    test(
        ("A6", "Restore_User_Test", "a user is unassigned and assigned again"),
        (Users, Mandatory),
        (LINK, "preflight.md A6, wire.md 5.2"),
    ),
    test(
        ("A7", "POD_User_Test", "a user is provisioned on demand"),
        (Users, Mandatory),
        (FILTER, "preflight.md A7, engine.md 8"),
    ),
    test(
        ("A8", "Create_Group_Test", "a group is assigned and a cycle creates it"),
        (Groups, Mandatory),
        (FILTER, "preflight.md A8, wire.md 6"),
    ),
    test(
        ("A9", "Update_Group_Test", "a group gets another name"),
        (Groups, Mandatory),
        (PATCH, "preflight.md A9, wire.md 6"),
    ),
    test(
        ("A10", "Delete_Group_Test", "a group is deleted"),
        (Groups, Optional),
        (ID_GONE, "preflight.md A10, X10"),
    ),
    test(
        ("A11", "Group_Update_Add_Member_Test", "a group gets a member"),
        (Groups, Mandatory),
        (MEMBERS, "preflight.md A11, wire.md 6.6"),
    ),
    test(
        ("A12", "Group_Update_Remove_Member_Test", "a group loses its member"),
        (Groups, Mandatory),
        (MEMBERS, "preflight.md A12, wire.md 6.6"),
    ),
    test(
        ("A13", "POD_Group_Test", "a group is provisioned on demand"),
        (Groups, Mandatory),
        (FILTER, "preflight.md A13, engine.md 8"),
    ),
    test(
        ("A14", "Restore_Group_Test", "a group is unassigned and assigned again"),
        (Groups, Optional),
        (ID_GONE, "preflight.md A14"),
    ),
    test(
        ("A15", "Schema_Discoverability_Test", "/Schemas names every attribute of the target list"),
        (Scim, Mandatory),
        (
            "advertise every attribute of the target list at /Schemas, externalId too, or delete what is unused from the list",
            "preflight.md A15, X7, wire.md 8.1",
        ),
    ),
    test(
        ("A16", "SCIM_Null_Update_Test", "attributes are cleared by empty text and by null"),
        (Scim, Mandatory),
        (
            "take `\"\"` and `null` in a replace, and have the attribute no more afterwards",
            "preflight.md A16",
        ),
    ),
    test(
        ("A17", "SCIM_User_Create_Test", "a POST of a user with every attribute"),
        (Scim, Mandatory),
        ("answer 201 with the resource, its id and its userName", "preflight.md A17, RFC 7644 3.3"),
    ),
    test(
        ("A18", "SCIM_User_Update_Test", "one PATCH over every attribute"),
        (Scim, Mandatory),
        (PATCH, "preflight.md A18, X15"),
    ),
    test(
        ("A19", "SCIM_Group_Create_Test", "a POST of a group"),
        (Groups, Mandatory),
        ("answer 201 with the resource, its id and its displayName", "preflight.md A19"),
    ),
    test(
        ("A20", "SCIM_Group_Update_Test", "one PATCH over a group's attributes"),
        (Groups, Mandatory),
        (PATCH, "preflight.md A20"),
    ),
    test(
        ("A21", "Validate_Credentials_Test", "client credentials get a token that opens the endpoint"),
        (Scim, Mandatory),
        (
            "issue tokens for client credentials that live from one hour to six",
            "preflight.md A21, wire.md 1.3",
        ),
    ),
    test(
        ("A22", "Federated_Identity_Test", "a token of Entra is exchanged for one of the app"),
        (Scim, Mandatory),
        ("trust tokens of Entra as client assertions", "preflight.md A22"),
    ),
    test(
        ("A23", "SCIM_User_Pagination_Test", "users are read in pages of five"),
        (Scim, Mandatory),
        (
            "serve `count` resources from `startIndex` on, and repeat `startIndex` in the answer",
            "preflight.md A23, RFC 7644 3.4.2.4",
        ),
    ),
    test(
        ("A24", "SCIM_Group_Pagination_Test", "groups are read in pages of five"),
        (Groups, Optional),
        (
            "serve `count` resources from `startIndex` on, and repeat `startIndex` in the answer",
            "preflight.md A24, RFC 7644 3.4.2.4",
        ),
    ),
    test(
        ("A25", "SCIM_Update_Manager_Test", "a manager as a bare id, and as empty text"),
        (Manager, Mandatory),
        (MANAGER, "preflight.md A25, X30"),
    ),
    test(("B1", "POST /Users", "Create a new User"), (Users, Mandatory), (VALUES, "preflight.md B1")),
    test(
        ("B2", "POST /Users", "Create a duplicate User"),
        (Users, Mandatory),
        (UNIQUE, "preflight.md B2, RFC 7644 3.3"),
    ),
    test(("B3", "Get /Users filter", "existing user"), (Users, Mandatory), (FILTER, "preflight.md B3, 3.2")),
    test(
        ("B4", "Get /Users filter", "non-existing user"),
        (Users, Mandatory),
        (FILTER, "preflight.md B4, 3.2"),
    ),
    test(
        ("B5", "Get /Users filter", "existing user, different case"),
        (Users, Mandatory),
        (CASE, "preflight.md B5, RFC 7643 4.1.1"),
    ),
    test(
        ("B6", "PATCH /Users/Id", "Replace Attributes Verbose Request"),
        (Users, Mandatory),
        (PATCH, "preflight.md B6"),
    ),
    test(("B7", "PATCH /Users/Id", "Update User userName"), (Users, Mandatory), (PATCH, "preflight.md B7")),
    test(
        ("B8", "PATCH /Users/Id", "Disable User"),
        (Users, Mandatory),
        (LINK, "preflight.md B8, wire.md 5.2"),
    ),
    test(("B9", "PATCH /Users/Id", "Add Manager"), (Manager, Mandatory), (MANAGER, "preflight.md B9, X30")),
    test(
        ("B10", "PATCH /Users/Id", "Replace Manager"),
        (Manager, Mandatory),
        (MANAGER, "preflight.md B10, X30"),
    ),
    test(
        ("B11", "PATCH /Users/Id", "Remove Manager"),
        (Manager, Mandatory),
        (MANAGER, "preflight.md B11, PQ6"),
    ),
    test(("B12", "DELETE /Users/Id", "Delete a User"), (Users, Mandatory), (ID_GONE, "preflight.md B12")),
    test(
        ("B25", "PATCH /Users/Id", "Add Attributes Verbose Request"),
        (Users, Mandatory),
        (PATCH, "preflight.md B25"),
    ),
    test(
        ("B13", "GET /Groups/Id", "by id excluding members"),
        (Groups, Mandatory),
        (
            "leave `members` out when `excludedAttributes=members` asks for it",
            "preflight.md B13, wire.md 6.2",
        ),
    ),
    test(
        ("B14", "Get /Groups filter", "existing group by displayName excluding members"),
        (Groups, Mandatory),
        (
            "leave `members` out when `excludedAttributes=members` asks for it",
            "preflight.md B14, wire.md 6.2",
        ),
    ),
    test(
        ("B15", "Get /Groups filter", "existing group"),
        (Groups, Mandatory),
        (FILTER, "preflight.md B15, 3.2"),
    ),
    test(
        ("B16", "Get /Groups filter", "non-existing group"),
        (Groups, Mandatory),
        (FILTER, "preflight.md B16, 3.2"),
    ),
    test(
        ("B17", "Get /Groups filter", "existing group, different case"),
        (Groups, Mandatory),
        (CASE, "preflight.md B17"),
    ),
    test(("B18", "POST /Groups", "Create a new Group"), (Groups, Mandatory), (VALUES, "preflight.md B18")),
    test(
        ("B19", "POST /Groups", "Create a duplicate Group"),
        (Groups, Mandatory),
        (UNIQUE, "preflight.md B19"),
    ),
    test(("B20", "PATCH /Groups/Id", "Replace Attributes"), (Groups, Mandatory), (PATCH, "preflight.md B20")),
    test(
        ("B21", "PATCH /Groups/Id", "Update Group displayName"),
        (Groups, Mandatory),
        (PATCH, "preflight.md B21"),
    ),
    test(("B22", "PATCH /Groups/Id", "Add Member"), (Groups, Mandatory), (MEMBERS, "preflight.md B22")),
    test(("B23", "PATCH /Groups/Id", "Remove Member"), (Groups, Mandatory), (MEMBERS, "preflight.md B23")),
    test(("B24", "DELETE /Groups/Id", "Delete a Group"), (Groups, Mandatory), (ID_GONE, "preflight.md B24")),
    test(
        ("P1", "PATCH /Users/Id", "Multiple Operations on different attributes"),
        (Users, Preview),
        (PATCH, "preflight.md P1"),
    ),
    test(
        ("P2", "PATCH /Users/Id", "Multiple Operations on same attribute"),
        (Users, Preview),
        (PATCH, "preflight.md P2"),
    ),
    test(
        ("P3", "DELETE /Users/Id", "Delete a non-existent User"),
        (Users, Preview),
        (ID_GONE, "preflight.md P3"),
    ),
    test(
        ("P4", "DELETE /Users/Id", "Delete the same User twice"),
        (Users, Preview),
        (ID_GONE, "preflight.md P4"),
    ),
    test(
        ("P5", "PATCH /Groups/Id", "Multiple Operations on same attribute"),
        (Groups, Preview),
        (MEMBERS, "preflight.md P5"),
    ),
    test(
        ("P6", "DELETE /Groups/Id", "Delete a non-existent Group"),
        (Groups, Preview),
        (ID_GONE, "preflight.md P6"),
    ),
    test(
        ("P7", "DELETE /Groups/Id", "Delete the same Group twice"),
        (Groups, Preview),
        (ID_GONE, "preflight.md P7"),
    ),
];

/// The test of that number, or the only one of that name, in any letter case.
pub fn named(text: &str) -> Option<&'static Test> {
    let fits =
        |test: &&Test| [test.id, test.name, &test.title()].iter().any(|it| it.eq_ignore_ascii_case(text));
    let mut found = TESTS.iter().filter(fits);
    found.next().filter(|_| found.next().is_none())
}
