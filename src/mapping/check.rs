//! What is wrong with an object mapping before any object is looked at (`mapping.md 1.2`, `2.4`, `10`).

use std::collections::BTreeMap;

use super::definition::AttributeType;
use super::rule::{AttributeMapping, FlowType, MappingSource, ObjectMapping};
use crate::diagnostic::{Severity, did_you_mean};
use crate::directory::object::ObjectKind;
use crate::scim::path::TargetPath;
use crate::scim::urn;

/// What an attribute is that the source object does not define in exactly that letter case (`mapping.md` OQ-25).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnknownAttributes {
    /// A mistake, wherever the source's attributes are known: in an imported schema, and to the check of a
    /// configuration.
    Error,
    /// Null, as it evaluates.
    Null,
}

/// What the check is told about the job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CheckOptions {
    /// `unique_value_outbound`: `SelectUniqueValue` may be used outbound (`mapping.md` OQ-24).
    pub unique_value_outbound: bool,
    /// The job's scope is all users and groups, which the role functions do not work with (`mapping.md 8`).
    pub scope_is_all: bool,
    /// `strict_conditions`: warn of conditions that the reference calls unsupported (`mapping.md` OQ-5).
    pub strict_conditions: bool,
    /// `unknown_attributes`: what an attribute is that the source object does not define (`mapping.md` OQ-25).
    pub unknown_attributes: UnknownAttributes,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// The mapping it is about, by its place; `None` when it is about the object.
    pub mapping_index: Option<usize>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

/// Target attributes that can not be provisioned (`mapping.md 2.4`).
const TARGETS_UNSUPPORTED: [&str; 3] = ["entitlements", "password", "photos"];

/// Source attributes that do not exist for provisioning (`mapping.md 5.2`).
const SOURCES_UNAVAILABLE: [&str; 2] = ["samAccountName", "userType"];

/// Source attributes that hold references (`mapping.md 5.1`, `5.3`).
const SOURCES_REFERENCE: [&str; 2] = ["manager", "members"];

/// The functions that read app roles (`mapping.md 8`).
const ROLE_FUNCTIONS: [&str; 3] =
    ["AppRoleAssignmentsComplex", "AssertiveAppRoleAssignmentsComplex", "SingleAppRoleAssignment"];

/// Sub-attributes that a custom complex attribute can have at most: a name and a value (`mapping.md 2.4`).
const CUSTOM_SUBS_MAX: usize = 2;

impl ObjectMapping {
    /// Everything that is wrong, the object's own findings first, then by mapping.
    pub fn check(&self, options: CheckOptions) -> Vec<Problem> {
        let mut findings = Findings::default();
        self.check_object(&mut findings);
        for (index, mapping) in self.attributes.iter().enumerate() {
            findings.look_at(Some(index));
            self.check_target(index, mapping, &mut findings);
            check_source(mapping, options, &mut findings);
        }
        findings.into_problems()
    }

    fn check_object(&self, findings: &mut Findings) {
        if !self.enabled && self.kind == ObjectKind::User {
            findings.error("the user mapping can not be disabled", None);
        }
        let definitions = &self.target.attributes;
        let anchors = definitions.values().filter(|definition| definition.anchor).count();
        if anchors != 1 {
            let message =
                format!("`{}` has {anchors} anchor attributes, and exactly one is needed", self.target.name);
            findings.error(message, Some("mark `id` as the anchor".to_owned()));
        }
        if self.matching().is_empty() {
            let help = Some("give the mapping that identifies an object the precedence 1".to_owned());
            findings.error(format!("`{}` has no matching attribute", self.name), help);
        }
        for (name, _) in
            definitions.iter().filter(|(_, definition)| definition.required && !definition.anchor)
        {
            if !self.attributes.iter().any(|mapping| mapping.target.as_str() == name) {
                findings.error(format!("the required target attribute `{name}` has no mapping"), None);
            }
        }
    }

    fn check_target(&self, index: usize, mapping: &AttributeMapping, findings: &mut Findings) {
        let target = &mapping.target;
        let earlier = self.attributes.iter().take(index);
        if earlier.clone().any(|earlier| earlier.target.same_place(target)) {
            findings.error(format!("a second mapping to `{target}`"), Some("keep one of them".to_owned()));
        }
        if target.filter().is_some() && target.sub().is_none() {
            let help = Some(format!("name the part of the entry, such as `{target}.value`"));
            findings.error(format!("`{target}` names a whole entry, which has no value"), help);
        }
        if target.extension().is_none()
            && TARGETS_UNSUPPORTED.iter().any(|name| name.eq_ignore_ascii_case(target.attribute()))
        {
            findings.error(format!("`{}` can not be provisioned", target.attribute()), None);
        }
        if self.mapped_subs(index, target).len() == CUSTOM_SUBS_MAX + 1 {
            let message = format!(
                "`{}` is a custom complex attribute with more than {CUSTOM_SUBS_MAX} sub-attributes, which can not flow",
                target.attribute()
            );
            findings.error(message, None);
        }
        let Some(definition) = self.definition(mapping) else {
            let names = self.target.attributes.keys().map(String::as_str);
            let help = did_you_mean(target.as_str(), names).map(|name| format!("did you mean `{name}`?"));
            let help = help.or_else(|| Some("add it to the target's attribute list".to_owned()));
            findings
                .error(format!("`{target}` is not in the attribute list of `{}`", self.target.name), help);
            return;
        };
        if definition.anchor {
            findings.error(format!("`{target}` is the anchor, and the anchor can not be a target"), None);
        }
        if !definition.filterable && 0 < mapping.matching_priority {
            findings
                .error(format!("the target can not filter on `{target}`, so it can not match objects"), None);
        }
        if definition.attribute_type == AttributeType::Reference
            && !matches!(mapping.source, MappingSource::Direct(_))
        {
            let help = Some("map the source attribute directly".to_owned());
            findings.error(
                format!("`{target}` is a reference, and a reference takes no expression or text"),
                help,
            );
        }
        let constant = match &mapping.source {
            MappingSource::Constant(text) => Some(text),
            MappingSource::Direct(_) | MappingSource::Expression(_) | MappingSource::None => None,
        };
        for text in constant.into_iter().chain(&mapping.default_value) {
            if !definition.attribute_type.accepts(text) {
                let type_name = definition.attribute_type.as_str();
                findings.error(format!("`{text}` is no {type_name}, the type of `{target}`"), None);
            }
        }
    }

    /// The sub-attributes of a custom extension's attribute that are mapped up to this place, when this one is new.
    fn mapped_subs(&self, index: usize, target: &TargetPath) -> Vec<&str> {
        let custom = target.extension().filter(|schema| !schema.eq_ignore_ascii_case(urn::ENTERPRISE_USER));
        let (Some(schema), Some(_)) = (custom, target.sub()) else {
            return Vec::new();
        };
        let mut subs: BTreeMap<String, &str> = BTreeMap::new();
        for mapping in self.attributes.iter().take(index + 1) {
            let same = mapping.target.extension().is_some_and(|other| other.eq_ignore_ascii_case(schema))
                && mapping.target.attribute().eq_ignore_ascii_case(target.attribute());
            if let (true, Some(sub)) = (same, mapping.target.sub()) {
                subs.insert(sub.to_lowercase(), sub);
            }
        }
        subs.into_values().collect()
    }
}

fn check_source(mapping: &AttributeMapping, options: CheckOptions, findings: &mut Findings) {
    for name in mapping.source.attributes() {
        if SOURCES_UNAVAILABLE.contains(&name) {
            let help = Some("read it from a directory extension".to_owned());
            findings.error(format!("the source attribute `{name}` is not available for provisioning"), help);
        }
        if name.starts_with("CustomSecurityAttributes.") {
            findings.error(format!("`{name}`: custom security attributes are not available outbound"), None);
        }
    }
    match &mapping.source {
        MappingSource::Direct(name) if name == "appRoleAssignments" => {
            let help = Some("read it with a role function, such as SingleAppRoleAssignment".to_owned());
            findings.warning("appRoleAssignments flows as an XML text when it is mapped directly", help);
        }
        MappingSource::Expression(expression) => {
            let functions = expression.functions();
            if mapping.source.selects_unique_value() {
                check_unique_value(mapping, options, findings);
            }
            if options.strict_conditions {
                for warning in expression.strict_warnings() {
                    findings.warning(warning.message, None);
                }
            }
            let canonical = expression.canonical();
            if let Some(name) =
                SOURCES_REFERENCE.iter().find(|name| canonical.contains(&format!("Switch([{name}],")))
            {
                findings.error(format!("Switch can not be used on the reference attribute `{name}`"), None);
            }
            let role_function = functions.iter().find(|name| ROLE_FUNCTIONS.contains(name));
            if let (Some(function), true) = (role_function, options.scope_is_all) {
                let help = Some("provision assigned users and groups only".to_owned());
                findings.warning(
                    format!("{function} does not work with the scope of all users and groups"),
                    help,
                );
            }
        }
        MappingSource::Direct(_) | MappingSource::Constant(_) | MappingSource::None => {}
    }
}

fn check_unique_value(mapping: &AttributeMapping, options: CheckOptions, findings: &mut Findings) {
    if !options.unique_value_outbound {
        findings.error("SelectUniqueValue is not supported for a SCIM application", None);
    }
    if 0 < mapping.matching_priority {
        findings.error("SelectUniqueValue can not be used on a matching attribute", None);
    }
    if mapping.flow_type != FlowType::ObjectAddOnly {
        let help = Some("apply the mapping only during object creation".to_owned());
        findings.error("SelectUniqueValue would draw a new value at every update", help);
    }
}

/// What was found so far, and the mapping that is looked at.
#[derive(Default)]
pub(super) struct Findings {
    problems: Vec<Problem>,
    at: Option<usize>,
}

impl Findings {
    /// What comes next is about the mapping at this place; about the object for `None`.
    pub(super) fn look_at(&mut self, mapping_index: Option<usize>) {
        self.at = mapping_index;
    }

    pub(super) fn into_problems(self) -> Vec<Problem> {
        self.problems
    }

    pub(super) fn error(&mut self, message: impl Into<String>, help: Option<String>) {
        self.push(Severity::Error, message.into(), help);
    }

    pub(super) fn warning(&mut self, message: impl Into<String>, help: Option<String>) {
        self.push(Severity::Warning, message.into(), help);
    }

    fn push(&mut self, severity: Severity, message: String, help: Option<String>) {
        self.problems.push(Problem { severity, mapping_index: self.at, message, help });
    }
}
