//! The verdict on one object: every fact that decides whether it is in scope, as a value that a log entry, the
//! on-demand answer and `explain` can show.

use crate::directory::object::ObjectKind;

/// Which principals a job considers (`engine.md 3.1`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScopeMode {
    /// Only those assigned to the application.
    Assigned,
    /// Every user and group of the tenant.
    All,
}

impl ScopeMode {
    /// Every choice.
    pub const ALL: &'static [Self] = &[Self::Assigned, Self::All];

    /// Its name in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Assigned => "assigned",
            Self::All => "all",
        }
    }
}

/// Where the object stands at the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// In the directory and enabled.
    Active,
    /// In the directory, `accountEnabled` false.
    Disabled,
    /// In the recycle bin.
    SoftDeleted,
    /// Deleted for good.
    HardDeleted,
}

/// One way by which an object is assigned.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Route {
    /// App role by value; empty for default access, which provisions like any other (`engine.md 3.2`).
    pub role: String,
    /// The assigned group it is an immediate member of; `None` when assigned directly.
    pub group: Option<String>,
}

/// Whether the job considers the object at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entitlement {
    /// The job takes everybody.
    SyncAll,
    /// Assigned, in these ways (never empty).
    Assigned(Vec<Route>),
    /// Not assigned.
    NotAssigned,
}

/// Everything that scope depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// User or group.
    pub kind: ObjectKind,
    /// Where the object stands at the source.
    pub standing: Standing,
    /// Whether it is assigned.
    pub entitlement: Entitlement,
}

impl Verdict {
    /// Entitled and passing the filters: the object is the job's business, be it active or not.
    pub fn in_scope(&self) -> bool {
        !matches!(self.entitlement, Entitlement::NotAssigned)
    }

    /// Active at the source.
    pub fn is_active(&self) -> bool {
        matches!(self.standing, Standing::Active)
    }

    /// The computed attribute `IsSoftDeleted`: disabled, in the recycle bin, not assigned in assigned mode, or
    /// filtered out (`engine.md 4.1`).
    pub fn is_soft_deleted(&self) -> bool {
        !self.is_active() || !self.in_scope()
    }

    /// The details of a scoping step: names and the texts `True` and `False` (`engine.md 3.5`).
    pub fn details(&self) -> Vec<(&'static str, String)> {
        let text = |value: bool| if value { "True" } else { "False" }.to_owned();
        let entitled = !matches!(self.entitlement, Entitlement::NotAssigned);
        let role = match self.kind {
            ObjectKind::User => "User has the required role",
            ObjectKind::Group => "Group has the required role",
        };
        let assignment = match self.entitlement {
            Entitlement::SyncAll => ("Scope sync all", text(true)),
            Entitlement::Assigned(_) | Entitlement::NotAssigned => {
                ("Assigned to the application", text(entitled))
            }
        };
        vec![
            ("Active in the source system", text(self.is_active())),
            assignment,
            (role, text(entitled)),
            ("Scoping filter evaluation passed", text(true)),
            ("ScopeEvaluationResult", "{}".to_owned()),
        ]
    }

    /// Why the object is not effectively entitled, numbered as Entra does; empty when it is (`engine.md 11`).
    pub fn objections(&self) -> Vec<&'static str> {
        let mut objections = Vec::new();
        match self.standing {
            Standing::Active => {}
            Standing::Disabled => objections.push("it is disabled in the source system"),
            Standing::SoftDeleted => objections.push("it is in the recycle bin of the source system"),
            Standing::HardDeleted => objections.push("it is deleted in the source system"),
        }
        if matches!(self.entitlement, Entitlement::NotAssigned) {
            objections.push("it is not assigned to the application");
        }
        objections
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(standing: Standing, entitlement: Entitlement) -> Verdict {
        Verdict { kind: ObjectKind::User, standing, entitlement }
    }

    fn assigned() -> Entitlement {
        Entitlement::Assigned(vec![Route { role: String::new(), group: None }])
    }

    #[test]
    fn is_soft_deleted_has_its_documented_causes() {
        for (standing, entitlement, expected) in [
            (Standing::Active, assigned(), false),
            (Standing::Disabled, assigned(), true),
            (Standing::SoftDeleted, assigned(), true),
            (Standing::Active, Entitlement::NotAssigned, true),
            (Standing::Active, Entitlement::SyncAll, false),
            (Standing::Disabled, Entitlement::SyncAll, true),
        ] {
            assert_eq!(
                verdict(standing, entitlement.clone()).is_soft_deleted(),
                expected,
                "{standing:?} {entitlement:?}"
            );
        }
    }

    #[test]
    fn a_disabled_user_stays_in_scope() {
        assert!(verdict(Standing::Disabled, assigned()).in_scope());
        assert!(!verdict(Standing::Active, Entitlement::NotAssigned).in_scope());
    }

    #[test]
    fn scoping_details_have_the_documented_keys() {
        let keys = |entitlement| -> Vec<&str> {
            verdict(Standing::Active, entitlement).details().into_iter().map(|(key, _)| key).collect()
        };
        crate::covers!("E-088", "E-090");
        assert_eq!(
            keys(assigned()),
            [
                "Active in the source system",
                "Assigned to the application",
                "User has the required role",
                "Scoping filter evaluation passed",
                "ScopeEvaluationResult"
            ]
        );
        assert_eq!(keys(Entitlement::SyncAll)[1], "Scope sync all");
        for (_, value) in verdict(Standing::Disabled, Entitlement::NotAssigned).details() {
            assert!(["True", "False", "{}"].contains(&value.as_str()), "{value}");
        }
    }
}
