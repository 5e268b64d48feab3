//! What the oracle is told: the directory, the rules of the job, what the job knows of the app.

use std::collections::{BTreeMap, BTreeSet};

use crate::clock::Timestamp;
use crate::directory::object::ObjectKind;
use crate::expression::{AppRole, AttributeValue, Expression, Switches};

/// A user or group by objectId.
pub type Key = (ObjectKind, String);

/// The rules of a job, as data.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Whether everybody is in scope, and not only who is assigned.
    pub everybody: bool,
    /// How users are provisioned.
    pub users: Kind,
    /// How groups are provisioned.
    pub groups: Kind,
    /// `SkipOutOfScopeDeletions`.
    pub skip_out_of_scope: bool,
    /// Whether that covers disabled and soft-deleted users too.
    pub covers_soft_delete: bool,
    /// Whether a group that leaves scope is left as it is.
    pub keeps_groups: bool,
    /// Whether the app can disable an account.
    pub can_disable: bool,
    /// Whether a user is deleted where no mapping reads `IsSoftDeleted`.
    pub deletes_unmapped: bool,
    /// The switches of the expression language.
    pub expressions: Switches,
    /// App roles by value.
    pub roles: BTreeMap<String, AppRole>,
    /// Values of app roles that assign nobody.
    pub roles_off: BTreeSet<String>,
    /// Whether a create whose answer was lost is looked for by what it sent.
    pub recovers_creates: bool,
}

/// How objects of one kind are provisioned.
#[derive(Debug, Clone, Default)]
pub struct Kind {
    /// Whether they are.
    pub enabled: bool,
    /// Target object actions.
    pub create: bool,
    /// Target object actions.
    pub update: bool,
    /// Target object actions.
    pub delete: bool,
    /// The mappings of plain attributes.
    pub rules: Vec<Rule>,
    /// The manager of users, the members of groups; `None` where they are not mapped.
    pub reference: Option<Reference>,
}

/// The mapping of one attribute.
#[derive(Debug, Clone)]
pub struct Rule {
    /// The target attribute, as the mapping writes it.
    pub path: String,
    /// Where the value comes from.
    pub source: Source,
    /// What stands in for null.
    pub default: Option<String>,
    /// When it flows.
    pub flow: Flow,
    /// Whether accounts are looked up by it.
    pub matching: bool,
    /// Whether letter case counts.
    pub exact: bool,
    /// Whether it holds several values.
    pub multivalued: bool,
    /// Whether the app returns it.
    pub returned: bool,
}

/// Where a value comes from.
#[derive(Debug, Clone)]
pub enum Source {
    /// The source attribute of this name.
    Direct(String),
    /// A fixed text.
    Constant(String),
    /// The result of an expression.
    Expression(Expression),
    /// Nothing; the default fills a gap.
    None,
}

/// When a mapping flows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// On create and on update.
    Always,
    /// On create alone.
    OnCreate,
    /// Only into an attribute, or a list, that lacks it.
    Adds,
}

/// A mapping whose values are other accounts.
#[derive(Debug, Clone)]
pub struct Reference {
    /// The target attribute.
    pub path: String,
    /// The kinds of objects it may point to.
    pub kinds: Vec<ObjectKind>,
}

/// Where an object stands at the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// In the directory.
    Active,
    /// In the recycle bin.
    Recycled,
    /// Deleted for good.
    Gone,
}

/// What the scoping filters say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filtered {
    /// In scope.
    Passes,
    /// Out of scope.
    Fails,
    /// Not looked at.
    Ignored,
}

/// The account that an object is linked to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The app's id.
    pub target_id: String,
    /// Whether the object was in scope when last evaluated.
    pub managed: bool,
}

/// One user or group.
#[derive(Debug, Clone)]
pub struct Object {
    /// userPrincipalName or displayName.
    pub label: String,
    /// Attributes of its row.
    pub attributes: BTreeMap<String, AttributeValue>,
    /// Where it stands.
    pub state: State,
    /// What the filters say.
    pub filtered: Filtered,
    /// Its account.
    pub link: Option<Link>,
    /// Something about it changed that no cycle has taken up yet.
    pub pending: bool,
    /// Why it is in escrow, if it is.
    pub escrow: Option<String>,
    /// Whether the deletion guard holds its removal back.
    pub held_back: bool,
    /// Whether everybody was in scope when it was last looked at, and is no longer.
    pub left_over: bool,
}

impl Object {
    /// A text of its row.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        match self.attributes.get(name) {
            Some(AttributeValue::Text(text)) => Some(text),
            Some(AttributeValue::List(_) | AttributeValue::Roles(_)) | None => None,
        }
    }

    /// The account's id, if it has one.
    pub(super) fn target_id(&self) -> Option<&str> {
        self.link.as_ref().map(|link| link.target_id.as_str())
    }
}

/// The directory as the job should have seen it, and what the job knows.
#[derive(Debug, Clone, Default)]
pub struct World {
    /// Everybody who is or was there.
    pub objects: BTreeMap<Key, Object>,
    /// The immediate members of each group.
    pub members: BTreeMap<String, BTreeSet<String>>,
    /// Whom a manager cell resolves to, by user.
    pub managers: BTreeMap<String, String>,
    /// The app roles by which somebody is assigned directly; an empty text is default access.
    pub assignments: BTreeMap<String, BTreeSet<String>>,
    /// The references that the app is known to have taken: group or user, and source id of the other.
    pub recorded: BTreeSet<(String, String)>,
    /// What happened when.
    pub history: History,
}

/// What happened when.
#[derive(Debug, Clone, Default)]
pub struct History {
    /// Full reads that ended, by number of the cycle.
    pub full_reads: BTreeSet<u64>,
    /// When each cycle began that came to its end and did not fail as a whole.
    pub began: BTreeMap<u64, Timestamp>,
    /// When each cycle ended.
    pub ended: BTreeMap<u64, Timestamp>,
    /// When a member joined a group last, by group and member.
    pub joined: BTreeMap<(String, String), Timestamp>,
    /// When somebody came back from the recycle bin last.
    pub restored: BTreeMap<String, Timestamp>,
    /// When somebody was deleted for good.
    pub purged: BTreeMap<Key, Timestamp>,
    /// When a restart last cleared the links, and with them the references that were recorded.
    pub links_cleared: Option<Timestamp>,
}
