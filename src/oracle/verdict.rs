//! What the oracle finds, and whose it is.

use super::model::Key;
use crate::directory::object::ObjectKind;

/// Whose a difference is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// The app was told and holds something else, or refused; or somebody changed it there.
    App,
    /// Entra leaves it so, by a documented rule; the job did what Entra does.
    BlindSpot(Rule),
    /// Neither explains it: the job should have sent something, or should not have.
    Ours,
}

/// Declares the rules: a variant, its name, its source in the fact sheets, what it says.
macro_rules! rules {
    ($( $variant:ident $name:literal $source:literal $says:literal, )+) => {
        /// A documented rule by which Entra leaves a difference.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Rule { $( #[doc = $says] $variant, )+ }

        impl Rule {
            /// Every rule.
            pub const ALL: &'static [Self] = &[$( Self::$variant, )+];

            /// Its name in output.
            pub fn as_str(self) -> &'static str {
                match self { $( Self::$variant => $name, )+ }
            }

            /// Where the fact sheets have it.
            pub fn source(self) -> &'static str {
                match self { $( Self::$variant => $source, )+ }
            }

            /// What it says, as a sentence without a period.
            pub fn says(self) -> &'static str {
                match self { $( Self::$variant => $says, )+ }
            }
        }
    };
}

rules! {
    NullNeverCleared "null-never-cleared" "engine.md 1.4" "a value that became empty at the source is never cleared",
    DefaultOnCreate "default-only-on-create" "wire.md 3.1" "a default value is sent when the account is created, never later",
    FlowOnCreate "flow-only-on-create" "wire.md 3.1" "the mapping flows when the account is created, never later",
    FlowAdds "flow-only-adds" "mapping.md 1.2" "the mapping only adds what is missing",
    LateManager "late-manager" "engine.md 1.5" "a manager who came into scope later is set by the next full read only",
    LateMember "late-member" "engine.md 1.5" "a member who came into scope later is added by the next full read only",
    LostMembership "lost-membership" "engine.md 1.5" "whoever comes back from the recycle bin is put back into groups by the next full read only",
    LostManager "lost-manager" "engine.md 1.5" "a manager who comes back from the recycle bin is set again by the next full read only",
    NewAccount "new-account" "engine.md 1.5" "an account made anew is referred to again by the next full read only",
    LinksCleared "links-cleared" "engine.md 9" "after a restart that cleared the links, only what is in scope is looked for again",
    ForeignReference "foreign-reference" "engine.md 1.5" "what this job never set it never takes away",
    DeletedOutOfScope "deleted-out-of-scope" "engine.md 4.2" "whoever is deleted after leaving scope is not deleted in the app",
    DeletedBeforeFullRead "deleted-before-full-read" "engine.md 9" "a deletion that no cycle saw before a full read is lost",
    SkipOutOfScopeDeletions "skip-out-of-scope-deletions" "engine.md 4.2" "the setting to skip deletions out of scope leaves accounts as they are",
    GroupKept "group-kept" "engine.md 4.4" "groups that leave scope are kept",
    ActionOff "action-off" "engine.md 4.2" "the target object action is switched off",
    SoftDeleteNotMapped "soft-delete-not-mapped" "engine.md 4.2" "no mapping carries that somebody is gone, so nothing can disable",
    NoMatchingValue "no-matching-value" "engine.md 4.3" "without a value for a matching attribute nothing is provisioned",
    HeldBack "held-back" "engine.md 7" "the deletion guard holds the removal back",
    NotExported "not-exported" "engine.md 5.1" "its export stops before a request is sent",
    ScopeNarrowed "scope-narrowed" "engine.md 1.1" "when only who is assigned stays in scope, the others are looked at by the next full read only",
    LostAnswer "lost-answer" "engine.md 1.2" "a create whose answer was lost is not looked up once the matching value has changed",
}

/// How what the app holds differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// It should hold an account or group, and does not.
    Missing,
    /// It holds one that it should not.
    Orphan,
    /// An attribute, or a reference, is not what it should be.
    Drifted {
        /// The target attribute.
        path: String,
        /// What it should be; `None` for nothing.
        wanted: Option<String>,
        /// What it is; `None` for nothing.
        held: Option<String>,
    },
}

impl Difference {
    /// `missing`, `orphan` or `drifted`.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Orphan => "orphan",
            Self::Drifted { .. } => "drifted",
        }
    }
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Whom it is about.
    pub key: Key,
    /// The name of that object.
    pub label: String,
    /// The app's id of the account, where there is or was one.
    pub target_id: Option<String>,
    /// What differs.
    pub difference: Difference,
    /// Whose it is.
    pub verdict: Verdict,
    /// The first request to blame, by its place in the journal; `None` where no request can be named.
    pub guilty: Option<usize>,
    /// Why, in words.
    pub why: String,
}

/// How much was compared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Compared {
    /// Accounts.
    pub users: u64,
    /// Groups.
    pub groups: u64,
    /// Attributes and references of them.
    pub values: u64,
}

/// What the oracle says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// The differences, by object.
    pub findings: Vec<Finding>,
    /// How much was compared.
    pub compared: Compared,
    /// Names of those of whom no cycle has taken up the latest change; they are not compared.
    pub waiting: Vec<String>,
    /// Accounts and groups in the app that are not this job's business, by the app's ids.
    pub strangers: Vec<(ObjectKind, String)>,
}

impl Report {
    /// Whether nothing is anybody's fault; blind spots are nobody's.
    pub fn is_clean(&self) -> bool {
        self.faults().next().is_none()
    }

    /// The findings that are somebody's fault.
    pub fn faults(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| !matches!(finding.verdict, Verdict::BlindSpot(_)))
    }
}

impl Verdict {
    /// `app`, `blind-spot` or `ours`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::App => "app",
            Self::BlindSpot(_) => "blind-spot",
            Self::Ours => "ours",
        }
    }
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}: ", self.key.0, self.label)?;
        match &self.difference {
            Difference::Missing => write!(f, "missing")?,
            Difference::Orphan => write!(f, "orphan")?,
            Difference::Drifted { path, wanted, held } => {
                let shown = |value: &Option<String>| match value {
                    Some(value) => format!("`{value}`"),
                    None => "nothing".to_owned(),
                };
                write!(f, "`{path}` is {}, not {}", shown(held), shown(wanted))?;
            }
        }
        let whose = match self.verdict {
            Verdict::App => "the app".to_owned(),
            Verdict::BlindSpot(rule) => format!("Entra's blind spot `{}`", rule.as_str()),
            Verdict::Ours => "a defect of ours".to_owned(),
        };
        write!(f, " ({whose}: {})", self.why)
    }
}
