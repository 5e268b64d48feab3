//! The document into mappings and filters. Mistakes refuse it as a whole; what has no effect here is told and kept.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use serde_json::{Value, json};

use super::SOURCE_DIRECTORY;
use super::definitions::attributes;
use super::export::{flow_types, source};
use super::node::{Findings, Node};
use crate::diagnostic::{Diagnostic, Severity, did_you_mean, has_errors};
use crate::directory::object::ObjectKind;
use crate::expression::Expression;
use crate::mapping::check::UnknownAttributes;
use crate::mapping::source::{is_directory_extension, source_attribute};
use crate::mapping::template::TemplateOptions;
use crate::mapping::{
    AttributeDefinition, AttributeMapping, EscrowBehavior, FlowBehavior, FlowType, MappingSource,
    ObjectMapping, TargetObject,
};
use crate::scim::path::TargetPath;
use crate::scope::filter::Filter;

/// A document that can be run.
#[derive(Debug, Clone)]
pub struct Imported {
    /// Its object mappings, users first.
    pub mappings: Vec<ObjectMapping>,
    /// The document with every mapping's source rebuilt from its expression and with defaults written out; the rest is
    /// as it was.
    pub document: Value,
    /// What has no effect, and what was filled in.
    pub warnings: Vec<Diagnostic>,
}

/// Reads a document. `base` are the mappings that the job has without it: a target attribute that the document maps and
/// does not define is taken from there.
///
/// Errors: everything found, warnings included, each with the JSON path of its place.
pub fn import(
    document: &Value,
    base: &[ObjectMapping],
    options: &TemplateOptions<'_>,
) -> Result<Imported, Vec<Diagnostic>> {
    let mut reader = Reader { base, options, findings: Findings::default() };
    let mut read =
        Node::root(document, &mut reader.findings).map(|root| reader.schema(&root)).unwrap_or_default();
    let findings = reader.findings.0;
    if has_errors(&findings) {
        return Err(findings);
    }
    let document = normal(document.clone(), &read);
    read.sort_by_key(|found| found.mapping.kind);
    let mappings = read.into_iter().map(|found| found.mapping).collect();
    Ok(Imported { mappings, document, warnings: findings })
}

/// An object mapping and where it stands in the document.
struct Found {
    rule: usize,
    place: usize,
    mapping: ObjectMapping,
}

/// The attributes of the objects of one directory.
type Objects = BTreeMap<String, IndexMap<String, AttributeDefinition>>;

struct Reader<'r> {
    base: &'r [ObjectMapping],
    options: &'r TemplateOptions<'r>,
    findings: Findings,
}

impl Reader<'_> {
    fn schema(&mut self, root: &Node<'_>) -> Vec<Found> {
        let findings = &mut self.findings;
        root.only(&["id", "version", "synchronizationRules", "directories"], findings);
        let directories = self.directories(root);
        let mut rules: Vec<(usize, Node<'_>)> =
            root.list("synchronizationRules", &mut self.findings).into_iter().enumerate().collect();
        rules.sort_by_key(|(_, rule)| rule.number("priority", &mut Findings::default()));
        let mut found: Vec<Found> = Vec::new();
        for (number, rule) in rules {
            for read in self.rule(number, &rule, &directories) {
                if found.iter().any(|earlier| earlier.mapping.kind == read.mapping.kind) {
                    let path = format!("{}.objectMappings[{}]", rule.path, read.place);
                    let message = format!("a second mapping of {} objects", read.mapping.kind);
                    self.findings.error(&path, message);
                }
                found.push(read);
            }
        }
        let silent = !has_errors(&self.findings.0);
        if silent && !found.iter().any(|found| found.mapping.kind == ObjectKind::User) {
            self.findings.error("synchronizationRules", "no object mapping has `User` as its source");
        }
        found
    }

    fn directories(&mut self, root: &Node<'_>) -> BTreeMap<String, Objects> {
        let findings = &mut self.findings;
        let mut directories: BTreeMap<String, Objects> = BTreeMap::new();
        for directory in root.list("directories", findings) {
            directory.only(
                &[
                    "discoverabilities",
                    "discoveryDateTime",
                    "id",
                    "metadata",
                    "name",
                    "objects",
                    "readOnly",
                    "version",
                ],
                findings,
            );
            directory.metadata(findings);
            let mut objects = Objects::new();
            for object in directory.list("objects", findings) {
                object.only(&["attributes", "metadata", "name", "supportedApis"], findings);
                object.metadata(findings);
                let Some(name) = object.required("name", findings) else { continue };
                let attributes = attributes(&object, findings);
                let anchors = attributes.values().filter(|attribute| attribute.anchor).count();
                if anchors != 1 {
                    findings.error(
                        &object.path,
                        format!("`{name}` has {anchors} anchor attributes, and exactly one is needed"),
                    );
                }
                if objects.insert(name.to_owned(), attributes).is_some() {
                    findings.error(&object.at("name"), format!("a second object `{name}`"));
                }
            }
            let Some(name) = directory.required("name", findings) else { continue };
            if directories.insert(name.to_owned(), objects).is_some() {
                findings.error(&directory.at("name"), format!("a second directory `{name}`"));
            }
        }
        directories
    }

    fn rule(
        &mut self,
        number: usize,
        rule: &Node<'_>,
        directories: &BTreeMap<String, Objects>,
    ) -> Vec<Found> {
        let findings = &mut self.findings;
        rule.only(
            &[
                "containerFilter",
                "editable",
                "groupFilter",
                "id",
                "metadata",
                "name",
                "objectMappings",
                "priority",
                "sourceDirectoryName",
                "targetDirectoryName",
            ],
            findings,
        );
        rule.number("priority", findings);
        rule.metadata(findings);
        for member in ["containerFilter", "groupFilter"] {
            if rule.get(member).is_some() {
                findings.error(
                    &rule.at(member),
                    "narrows the scope in a way that a SCIM job has not; use scoping filters",
                );
            }
        }
        let mut directory = |member: &str| {
            let name = rule.required(member, findings)?;
            let objects = directories.get(name);
            if objects.is_none() {
                findings.error(&rule.at(member), format!("there is no directory `{name}`"));
                let near = did_you_mean(name, directories.keys().map(String::as_str));
                findings.help(near.map(|near| format!("did you mean `{near}`?")));
            }
            Some((name, objects?))
        };
        let (source, target) = (directory("sourceDirectoryName"), directory("targetDirectoryName"));
        let (Some((_, source)), Some((target_name, target))) = (source, target) else { return Vec::new() };
        if target_name == SOURCE_DIRECTORY {
            findings.error(
                &rule.at("targetDirectoryName"),
                format!("a rule into `{SOURCE_DIRECTORY}` is inbound, and this job is outbound"),
            );
            return Vec::new();
        }
        let mut found = Vec::new();
        for (place, node) in rule.list("objectMappings", findings).into_iter().enumerate() {
            if let Some(mapping) = self.object_mapping(&node, source, target) {
                found.push(Found { rule: number, place, mapping });
            }
        }
        found
    }

    fn object_mapping(
        &mut self,
        node: &Node<'_>,
        source: &Objects,
        target: &Objects,
    ) -> Option<ObjectMapping> {
        let findings = &mut self.findings;
        node.only(
            &[
                "attributeMappings",
                "enabled",
                "flowTypes",
                "metadata",
                "name",
                "scope",
                "sourceObjectName",
                "targetObjectName",
            ],
            findings,
        );
        let escrow_behavior = self.mapping_metadata(node);
        let findings = &mut self.findings;
        let kind_name = node.required("sourceObjectName", findings)?;
        let Some(kind) = ObjectKind::from_name(kind_name) else {
            let message = format!("`{kind_name}` objects are not provisioned, only `User` and `Group`");
            findings.error(&node.at("sourceObjectName"), message);
            return None;
        };
        if !source.contains_key(kind_name) {
            let message = format!("the source directory has no object `{kind_name}`");
            findings.error(&node.at("sourceObjectName"), message);
        }
        let target_name = node.required("targetObjectName", findings)?;
        let Some(defined) = target.get(target_name) else {
            findings.error(
                &node.at("targetObjectName"),
                format!("the target directory has no object `{target_name}`"),
            );
            let near = did_you_mean(target_name, target.keys().map(String::as_str));
            findings.help(near.map(|near| format!("did you mean `{near}`?")));
            return None;
        };
        let (create, update, delete) = self.flow_types(node);
        let scope =
            match Filter::from_graph_json(node.get("scope").unwrap_or(&Value::Null), &self.options.filter) {
                Ok(filter) => filter,
                Err(errors) => {
                    for error in errors {
                        self.findings.error(&node.at("scope"), error.to_string());
                    }
                    Filter::default()
                }
            };
        let nodes = node.list("attributeMappings", &mut self.findings);
        let mut attributes = Vec::new();
        for mapping in &nodes {
            attributes.push(self.attribute_mapping(mapping)?);
        }
        let mut mapping = ObjectMapping {
            kind,
            name: node.text("name", &mut self.findings).unwrap_or_default().to_owned(),
            enabled: node.flag("enabled", true, &mut self.findings),
            create,
            update,
            delete,
            escrow_behavior,
            scope,
            attributes,
            target: TargetObject { name: target_name.to_owned(), attributes: defined.clone() },
        };
        self.fill_target(node, &mut mapping);
        self.check_source(node, &mapping, source.get(kind_name));
        self.check_extensions(&nodes, &mapping, source.get(kind_name));
        for problem in mapping.check(self.options.check) {
            let place = problem.mapping_index.and_then(|index| nodes.get(index)).unwrap_or(node);
            match problem.severity {
                Severity::Error => self.findings.error(&place.path, problem.message),
                Severity::Warning => self.findings.warning(&place.path, problem.message),
            }
            self.findings.help(problem.help);
        }
        Some(mapping)
    }

    /// What the metadata say about unresolved references; whatever else would change what a job does, if this one knew
    /// how, is told.
    fn mapping_metadata(&mut self, node: &Node<'_>) -> EscrowBehavior {
        let mut behavior = EscrowBehavior::default();
        for (key, value) in node.metadata(&mut self.findings) {
            // Values are texts that hold JSON.
            let plain = value.trim_matches('"');
            let usual = match key {
                "Disposition" => plain == "Normal",
                "EscrowBehavior" => {
                    behavior = self.escrow_behavior(node, plain);
                    true
                }
                "DisableMonitoringForChanges" | "ExcludeFromReporting" | "Unsynchronized" => plain == "false",
                _ => true,
            };
            if !usual {
                let message = format!("`{key}` {value} has no effect here; kept");
                self.findings.warning(&node.at("metadata"), message);
            }
        }
        behavior
    }

    fn escrow_behavior(&mut self, node: &Node<'_>, name: &str) -> EscrowBehavior {
        if let Some(behavior) = EscrowBehavior::from_name(name) {
            return behavior;
        }
        self.findings.error(&node.at("metadata"), format!("`{name}` is no EscrowBehavior"));
        let known: Vec<&str> = EscrowBehavior::ALL.iter().map(|known| known.as_str()).collect();
        self.findings.help(Some(format!("one of {}", known.join(", "))));
        EscrowBehavior::default()
    }

    fn flow_types(&mut self, node: &Node<'_>) -> (bool, bool, bool) {
        let Some(text) = node.text("flowTypes", &mut self.findings) else { return (true, true, true) };
        let (mut create, mut update, mut delete) = (false, false, false);
        for word in text.split(',').map(str::trim) {
            match word {
                "Add" => create = true,
                "Update" => update = true,
                "Delete" => delete = true,
                "None" => {}
                _ => {
                    self.findings.error(&node.at("flowTypes"), format!("`{word}` is not known"));
                    self.findings.help(Some("one or several of Add, Update, Delete, or None".to_owned()));
                }
            }
        }
        (create, update, delete)
    }

    /// `None` when it can not be read; the reasons are noted.
    fn attribute_mapping(&mut self, node: &Node<'_>) -> Option<AttributeMapping> {
        let findings = &mut self.findings;
        node.only(
            &[
                "defaultValue",
                "exportMissingReferences",
                "flowBehavior",
                "flowNullValues",
                "flowType",
                "matchingPriority",
                "source",
                "targetAttributeName",
            ],
            findings,
        );
        let mut kept = |member| {
            let flag = node.flag(member, false, findings);
            if flag {
                findings.warning(&node.at(member), "has no effect in an outbound job; kept");
            }
            flag
        };
        kept("exportMissingReferences");
        let flow_null_values = kept("flowNullValues");
        let target_name = node.required("targetAttributeName", findings);
        let target = target_name.and_then(|name| match TargetPath::parse(name) {
            Ok(target) => Some(target),
            Err(error) => {
                findings
                    .error(&node.at("targetAttributeName"), format!("`{name}` is no target path: {error}"));
                None
            }
        });
        let flow_type = node.name("flowType", FlowType::ALL, FlowType::as_str, findings);
        let flow_behavior = node.name("flowBehavior", FlowBehavior::ALL, FlowBehavior::as_str, findings);
        let matching_priority = node.number("matchingPriority", findings);
        let default_value = node.text("defaultValue", findings).map(str::to_owned);
        let source = self.mapping_source(node);
        Some(AttributeMapping {
            source: source?,
            target: target?,
            default_value,
            matching_priority,
            flow_type,
            flow_behavior,
            flow_null_values,
        })
    }

    /// The expression decides; without one the text is rebuilt from the tree (`mapping.md 10`).
    fn mapping_source(&mut self, node: &Node<'_>) -> Option<MappingSource> {
        let Some(written) = node.get("source") else { return Some(MappingSource::None) };
        let expression = match Expression::from_graph_json(written, &self.options.parse) {
            Ok(expression) => expression,
            Err(errors) => {
                for error in errors {
                    self.findings.error(&node.at("source"), error.to_string());
                }
                return None;
            }
        };
        let root = expression.to_graph_json();
        let name = root.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
        Some(match root.get("type").and_then(Value::as_str) {
            Some("Attribute") => MappingSource::Direct(name),
            Some("Constant") => MappingSource::Constant(name),
            _ => MappingSource::Expression(expression),
        })
    }

    /// Defines the mapped target attributes that the document leaves out and the job's own list has.
    fn fill_target(&mut self, node: &Node<'_>, mapping: &mut ObjectMapping) {
        let Some(base) = self.base.iter().find(|base| base.kind == mapping.kind) else { return };
        let mut filled = Vec::new();
        for name in mapping.attributes.iter().map(|mapping| mapping.target.as_str()) {
            let known = base.target.attributes.get(name);
            if let (None, Some(known)) = (mapping.target.attributes.get(name), known) {
                filled.push(format!("`{name}`"));
                mapping.target.attributes.insert(name.to_owned(), known.clone());
            }
        }
        if !filled.is_empty() {
            let message = format!(
                "the document does not define {}; taken from the job's own list of target attributes",
                filled.join(", ")
            );
            self.findings.warning(&node.at("targetObjectName"), message);
        }
    }

    /// A directory extension that the document defines with several values can not be mapped (`mapping.md 5.6`).
    fn check_extensions(
        &mut self,
        nodes: &[Node<'_>],
        mapping: &ObjectMapping,
        defined: Option<&IndexMap<String, AttributeDefinition>>,
    ) {
        let several = |name: &str| {
            let definition = defined.and_then(|defined| defined.get(name));
            is_directory_extension(name) && definition.is_some_and(|definition| definition.multivalued)
        };
        for (node, attribute) in nodes.iter().zip(&mapping.attributes) {
            for name in attribute.source.attributes().into_iter().filter(|name| several(name)) {
                let message =
                    format!("`{name}` is a multi-valued directory extension, which can not be mapped");
                self.findings.error(&node.at("source"), message);
            }
        }
    }

    /// Every source attribute has to be defined: by the document, or by Entra.
    fn check_source(
        &mut self,
        node: &Node<'_>,
        mapping: &ObjectMapping,
        defined: Option<&IndexMap<String, AttributeDefinition>>,
    ) {
        let known = |name: &str| defined.is_some_and(|defined| defined.contains_key(name));
        let mut filled = Vec::new();
        for name in mapping.attributes_read().into_iter().filter(|name| !known(name)) {
            if source_attribute(mapping.kind, name).is_some() || is_directory_extension(name) {
                filled.push(format!("`{name}`"));
                continue;
            }
            let path = node.at("sourceObjectName");
            let message = format!("a {} has no attribute `{name}`", mapping.kind);
            match self.options.check.unknown_attributes {
                UnknownAttributes::Error => self.findings.error(&path, message),
                UnknownAttributes::Null => self.findings.warning(&path, format!("{message}; it is null")),
            }
            let names = defined.into_iter().flat_map(IndexMap::keys).map(String::as_str);
            let near = did_you_mean(name, names);
            self.findings.help(Some(match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => "define it in the source directory".to_owned(),
            }));
        }
        if !filled.is_empty() {
            let message = format!("the document does not define {}, which Entra knows", filled.join(", "));
            self.findings.warning(&node.at("sourceObjectName"), message);
        }
    }
}

/// The document with what was understood written out.
fn normal(mut document: Value, found: &[Found]) -> Value {
    for Found { rule, place, mapping } in found {
        let path = format!("/synchronizationRules/{rule}/objectMappings/{place}");
        let Some(object) = document.pointer_mut(&path).and_then(Value::as_object_mut) else { continue };
        object.insert("enabled".to_owned(), mapping.enabled.into());
        object.insert("flowTypes".to_owned(), flow_types(mapping).into());
        let rows = object.get_mut("attributeMappings").and_then(Value::as_array_mut);
        for (row, mapping) in rows.into_iter().flatten().zip(&mapping.attributes) {
            let Some(row) = row.as_object_mut() else { continue };
            row.insert("source".to_owned(), source(&mapping.source));
            row.insert("flowType".to_owned(), mapping.flow_type.as_str().into());
            row.insert("flowBehavior".to_owned(), mapping.flow_behavior.as_str().into());
            row.insert("matchingPriority".to_owned(), mapping.matching_priority.into());
            row.entry("exportMissingReferences").or_insert(json!(false));
            row.entry("defaultValue").or_insert(Value::Null);
        }
    }
    document
}
