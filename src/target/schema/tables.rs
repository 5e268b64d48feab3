//! The attributes of RFC 7643 §4 as tables.
//!
//! Two departures, both so that the gallery validation finds what it looks for (`preflight.md A15`, X7):
//! `externalId` is listed though it is a common attribute, and `profileUrl` is a string. The validator also sends
//! values there that are no URLs (`preflight.md 3.1`).

use super::{Attribute, Mutability, Type};

const fn attribute(name: &'static str, kind: Type, description: &'static str) -> Attribute {
    Attribute {
        name,
        description,
        kind,
        multi_valued: false,
        required: false,
        case_exact: false,
        mutability: Mutability::ReadWrite,
        unique: false,
        discarded: false,
        canonical_values: &[],
        reference_types: &[],
        sub_attributes: &[],
    }
}

const fn text(name: &'static str, description: &'static str) -> Attribute {
    attribute(name, Type::String, description)
}

const fn boolean(name: &'static str, description: &'static str) -> Attribute {
    attribute(name, Type::Boolean, description)
}

const fn reference(
    name: &'static str,
    types: &'static [&'static str],
    description: &'static str,
) -> Attribute {
    let mut made = attribute(name, Type::Reference, description);
    made.case_exact = true;
    made.reference_types = types;
    made
}

const fn complex(name: &'static str, subs: &'static [Attribute], description: &'static str) -> Attribute {
    let mut made = attribute(name, Type::Complex, description);
    made.sub_attributes = subs;
    made
}

const fn list(name: &'static str, subs: &'static [Attribute], description: &'static str) -> Attribute {
    let mut made = complex(name, subs, description);
    made.multi_valued = true;
    made
}

impl Attribute {
    const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    const fn unique(mut self) -> Self {
        self.unique = true;
        self
    }

    const fn case_exact(mut self) -> Self {
        self.case_exact = true;
        self
    }

    const fn multi_valued(mut self) -> Self {
        self.multi_valued = true;
        self
    }

    const fn read_only(mut self) -> Self {
        self.mutability = Mutability::ReadOnly;
        self
    }

    const fn immutable(mut self) -> Self {
        self.mutability = Mutability::Immutable;
        self
    }

    const fn discarded(mut self) -> Self {
        self.discarded = true;
        self
    }

    const fn canonical(mut self, values: &'static [&'static str]) -> Self {
        self.canonical_values = values;
        self
    }
}

const DISPLAY: Attribute = text("display", "Name for people");
const PRIMARY: Attribute = boolean("primary", "Whether this entry is the preferred one; at most one is");
const PLACES: &[&str] = &["work", "home", "other"];

/// Attributes every resource has beside those of its schema (RFC 7643 §3.1).
pub(super) static COMMON_ATTRIBUTES: &[Attribute] = &[
    attribute("schemas", Type::Reference, "Schemas of the resource").case_exact().multi_valued().read_only(),
    text("id", "Identifier given by the app").case_exact().read_only(),
    complex(
        "meta",
        &[
            text("resourceType", "Kind of the resource").case_exact().read_only(),
            attribute("created", Type::DateTime, "When it was made").read_only(),
            attribute("lastModified", Type::DateTime, "When it was last changed").read_only(),
            reference("location", &["uri"], "Where it is read").read_only(),
        ],
        "What the app knows about the resource",
    )
    .read_only(),
];

/// RFC 7643 §4.1.
pub(super) static USER_ATTRIBUTES: &[Attribute] = &[
    text("externalId", "Identifier given by the client").case_exact(),
    text("userName", "Name to sign in with").required().unique(),
    complex(
        "name",
        &[
            text("formatted", "Whole name"),
            text("familyName", "Family name"),
            text("givenName", "Given name"),
            text("middleName", "Middle name"),
            text("honorificPrefix", "Title before the name"),
            text("honorificSuffix", "Suffix after the name"),
        ],
        "Parts of the name",
    ),
    text("displayName", "Name for people"),
    text("nickName", "Casual name"),
    text("profileUrl", "Address of a page about the user").case_exact(),
    text("title", "Job title"),
    text("userType", "Relation to the organisation"),
    text("preferredLanguage", "Language, as in Accept-Language"),
    text("locale", "Locale for dates and numbers"),
    text("timezone", "Time zone"),
    boolean("active", "Whether the account may be used"),
    text("password", "Accepted and forgotten").discarded(),
    list(
        "emails",
        &[text("value", "Address"), DISPLAY, text("type", "What it is for").canonical(PLACES), PRIMARY],
        "E-mail addresses",
    ),
    list(
        "phoneNumbers",
        &[
            text("value", "Number"),
            DISPLAY,
            text("type", "What it is for").canonical(&["work", "home", "mobile", "fax", "pager", "other"]),
            PRIMARY,
        ],
        "Telephone numbers",
    ),
    list(
        "ims",
        &[text("value", "Address"), DISPLAY, text("type", "Service"), PRIMARY],
        "Instant messaging addresses",
    ),
    list(
        "photos",
        &[
            reference("value", &["external"], "Address of the picture"),
            DISPLAY,
            text("type", "Size").canonical(&["photo", "thumbnail"]),
            PRIMARY,
        ],
        "Pictures",
    ),
    list(
        "addresses",
        &[
            text("formatted", "Whole address"),
            text("streetAddress", "Street and number"),
            text("locality", "City"),
            text("region", "State or region"),
            text("postalCode", "Postal code"),
            text("country", "Country"),
            text("type", "What it is for").canonical(PLACES),
            PRIMARY,
        ],
        "Postal addresses",
    ),
    list(
        "entitlements",
        &[text("value", "Entitlement"), DISPLAY, text("type", "Kind"), PRIMARY],
        "Things the user may have",
    ),
    list("roles", &[text("value", "Role"), DISPLAY, text("type", "Kind"), PRIMARY], "Roles of the user"),
    list(
        "x509Certificates",
        &[
            attribute("value", Type::Binary, "Certificate, DER in base64").case_exact(),
            DISPLAY,
            text("type", "Kind"),
            PRIMARY,
        ],
        "Certificates",
    ),
];

/// RFC 7643 §4.2.
pub(super) static GROUP_ATTRIBUTES: &[Attribute] = &[
    text("externalId", "Identifier given by the client").case_exact(),
    text("displayName", "Name for people").required().unique(),
    list(
        "members",
        &[
            text("value", "Identifier of the member").case_exact().immutable(),
            reference("$ref", &["User", "Group"], "Where the member is read").immutable(),
            text("type", "Kind of the member").canonical(&["User", "Group"]).immutable(),
            text("display", "Name of the member").read_only(),
        ],
        "Users and groups in the group",
    ),
];

/// RFC 7643 §4.3.
pub(super) static ENTERPRISE_ATTRIBUTES: &[Attribute] = &[
    text("employeeNumber", "Number of the employee"),
    text("costCenter", "Cost center"),
    text("organization", "Organisation"),
    text("division", "Division"),
    text("department", "Department"),
    complex(
        "manager",
        &[
            text("value", "Identifier of the manager").case_exact(),
            reference("$ref", &["User"], "Where the manager is read"),
            text("displayName", "Name of the manager").read_only(),
        ],
        "The user's manager",
    ),
];
