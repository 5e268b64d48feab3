//! The verdict on one object: every fact that decides whether it is in scope, as a value that a log entry, the
//! on-demand answer and `explain` can show.

use super::filter::{FilterResult, FilterVerdict};
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

/// The names that the details of a scoping step go by (`engine.md 3.5`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScopingKeys {
    /// Those of today.
    Current,
    /// Those of older documents.
    Older,
}

impl ScopingKeys {
    /// Every choice.
    pub const ALL: &'static [Self] = &[Self::Current, Self::Older];

    /// Its name in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Older => "older",
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
    /// Assigned by broken records alone, in these ways (never empty): by roles that are switched off (`engine.md 3.2`).
    Broken(Vec<Route>),
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
    /// What the scoping filters say of it.
    pub filter: FilterResult,
}

impl Verdict {
    /// Entitled and passing the filters: the object is the job's business, be it active or not.
    pub fn in_scope(&self) -> bool {
        self.is_entitled() && self.filter.verdict == FilterVerdict::Passed
    }

    /// Whether the mapping looks at the object at all. One that fails an input or category filter is left as it is:
    /// it gets no update, no disable and no delete (`engine.md 3.3`).
    pub fn is_processed(&self) -> bool {
        self.filter.verdict != FilterVerdict::NotProcessed
    }

    fn is_entitled(&self) -> bool {
        matches!(self.entitlement, Entitlement::SyncAll | Entitlement::Assigned(_))
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
    pub fn details(&self, keys: ScopingKeys) -> Vec<(&'static str, String)> {
        let text = |value: bool| if value { "True" } else { "False" }.to_owned();
        let (active, assigned, role, passed) = match keys {
            ScopingKeys::Current => (
                "Active in the source system",
                "Assigned to the application",
                match self.kind {
                    ObjectKind::User => "User has the required role",
                    ObjectKind::Group => "Group has the required role",
                },
                "Scoping filter evaluation passed",
            ),
            ScopingKeys::Older => (
                "IsActive",
                "Assigned",
                "IsEffectivelyEntitledForProvisioning",
                "IsInProvisioningScopeDisplayName",
            ),
        };
        let assigned = match self.entitlement {
            Entitlement::SyncAll => "Scope sync all",
            Entitlement::Assigned(_) | Entitlement::Broken(_) | Entitlement::NotAssigned => assigned,
        };
        let is_assigned = !matches!(self.entitlement, Entitlement::NotAssigned);
        vec![
            (active, text(self.is_active())),
            (assigned, text(is_assigned)),
            (role, text(self.is_entitled())),
            (passed, text(self.filter.verdict == FilterVerdict::Passed)),
            ("ScopeEvaluationResult", self.filter.scope_evaluation_result()),
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
        match self.entitlement {
            Entitlement::SyncAll | Entitlement::Assigned(_) => {}
            Entitlement::Broken(_) => {
                objections.push("it lacks the required entitlement, for the role of its assignment is off");
            }
            Entitlement::NotAssigned => objections.push("it is not assigned to the application"),
        }
        match self.filter.verdict {
            FilterVerdict::Passed => {}
            FilterVerdict::OutOfScope => objections.push("it did not pass the scoping filter"),
            FilterVerdict::NotProcessed => objections.push("it did not pass an input or category filter"),
        }
        objections
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::super::filter::{Filter, FilterOptions};
    use super::*;
    use crate::expression::AttributeValue;

    fn verdict(standing: Standing, entitlement: Entitlement) -> Verdict {
        Verdict { kind: ObjectKind::User, standing, entitlement, filter: FilterResult::unfiltered() }
    }

    /// What the filter `department EQUALS Sales`, applied in this way, says of somebody in this department.
    fn filtered(collection: &str, department: &str) -> FilterResult {
        let clause = json!({"operatorName": "EQUALS", "sourceOperandName": "department",
            "targetOperand": {"values": ["Sales"]}});
        let filter = json!({collection: [{"name": "Sales only", "clauses": [clause]}]});
        let source = BTreeMap::from([("department".to_owned(), AttributeValue::Text(department.to_owned()))]);
        Filter::from_graph_json(&filter, &FilterOptions::default()).unwrap().evaluate(&source)
    }

    fn assigned() -> Entitlement {
        Entitlement::Assigned(vec![Route { role: String::new(), group: None }])
    }

    fn broken() -> Entitlement {
        Entitlement::Broken(vec![Route { role: "retired".to_owned(), group: None }])
    }

    #[test]
    fn whoever_is_assigned_by_a_broken_record_is_assigned_and_lacks_the_role() {
        let details = verdict(Standing::Active, broken()).details(ScopingKeys::Current);
        assert_eq!(
            details[1..3].iter().map(|(_, value)| value.as_str()).collect::<Vec<_>>(),
            ["True", "False"]
        );
        let judged =
            Verdict { filter: filtered("groups", "Finance"), ..verdict(Standing::Disabled, broken()) };
        let objections = judged.objections();
        assert_eq!(objections.len(), 3);
        for (objection, word) in objections.iter().zip(["disabled", "entitlement", "filter"]) {
            assert!(objection.contains(word), "{objection}");
        }
    }

    #[test]
    fn is_soft_deleted_has_its_documented_causes() {
        for (standing, entitlement, expected) in [
            (Standing::Active, assigned(), false),
            (Standing::Disabled, assigned(), true),
            (Standing::SoftDeleted, assigned(), true),
            (Standing::Active, Entitlement::NotAssigned, true),
            (Standing::Active, broken(), true),
            (Standing::Active, Entitlement::SyncAll, false),
            (Standing::Disabled, Entitlement::SyncAll, true),
        ] {
            crate::covers!("E-095", "M-080", "W-141");
            assert_eq!(
                verdict(standing, entitlement.clone()).is_soft_deleted(),
                expected,
                "{standing:?} {entitlement:?}"
            );
        }
    }

    #[test]
    fn failing_the_filter_is_a_cause_of_its_own_in_both_scope_modes() {
        for entitlement in [assigned(), Entitlement::SyncAll] {
            for (department, in_scope) in [("Sales", true), ("Finance", false), ("sales", false)] {
                let judged = Verdict {
                    filter: filtered("groups", department),
                    ..verdict(Standing::Active, entitlement.clone())
                };
                crate::covers!("E-051", "E-052", "E-095", "M-080", "W-141");
                assert_eq!(judged.in_scope(), in_scope, "{department} {entitlement:?}");
                assert_eq!(judged.is_soft_deleted(), !in_scope, "{department} {entitlement:?}");
                assert!(judged.is_processed());
            }
        }
        let unassigned = Verdict {
            filter: filtered("groups", "Sales"),
            ..verdict(Standing::Active, Entitlement::NotAssigned)
        };
        assert!(!unassigned.in_scope(), "passing the filter is not enough");
    }

    #[test]
    fn input_and_category_filters_leave_the_object_alone() {
        for collection in ["inputFilterGroups", "categoryFilterGroups"] {
            let judged = |department| Verdict {
                filter: filtered(collection, department),
                ..verdict(Standing::Active, assigned())
            };
            assert!(judged("Sales").is_processed() && judged("Sales").in_scope());
            assert!(!judged("Finance").is_processed());
            assert_eq!(judged("Finance").objections(), ["it did not pass an input or category filter"]);
        }
    }

    #[test]
    fn a_scoping_step_shows_what_each_clause_said() {
        let judged =
            Verdict { filter: filtered("groups", "Finance"), ..verdict(Standing::Active, assigned()) };
        let details: BTreeMap<_, _> = judged.details(ScopingKeys::Current).into_iter().collect();
        crate::covers!("E-090", "E-091");
        assert_eq!(details["Scoping filter evaluation passed"], "False");
        assert_eq!(details["ScopeEvaluationResult"], r#"{"Sales only.department EQUALS 'Sales'":false}"#);
        assert_eq!(judged.objections(), ["it did not pass the scoping filter"]);
    }

    #[test]
    fn the_older_names_of_the_details_appear_when_asked_for() {
        let details = verdict(Standing::Active, assigned()).details(ScopingKeys::Older);
        let keys: Vec<&str> = details.into_iter().map(|(key, _)| key).collect();
        crate::covers!("E-089");
        assert_eq!(
            keys,
            [
                "IsActive",
                "Assigned",
                "IsEffectivelyEntitledForProvisioning",
                "IsInProvisioningScopeDisplayName",
                "ScopeEvaluationResult"
            ]
        );
    }

    #[test]
    fn a_disabled_user_stays_in_scope() {
        assert!(verdict(Standing::Disabled, assigned()).in_scope());
        assert!(!verdict(Standing::Active, Entitlement::NotAssigned).in_scope());
    }

    #[test]
    fn scoping_details_have_the_documented_keys() {
        let keys = |entitlement| -> Vec<&str> {
            verdict(Standing::Active, entitlement)
                .details(ScopingKeys::Current)
                .into_iter()
                .map(|(key, _)| key)
                .collect()
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
        for (_, value) in verdict(Standing::Disabled, Entitlement::NotAssigned).details(ScopingKeys::Current)
        {
            assert!(["True", "False", "{}"].contains(&value.as_str()), "{value}");
        }
    }
}
