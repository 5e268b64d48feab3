//! The rules of a mapping as an administrator writes them (`mapping.md 1.1`, `1.2`).

use std::collections::BTreeSet;

use indexmap::IndexMap;

use super::definition::{AttributeDefinition, AttributeType, TargetObject, named};
use super::reference::ReferenceMapping;
use crate::directory::object::ObjectKind;
use crate::expression::Expression;
use crate::scim::path::TargetPath;
use crate::scope::filter::{Filter, FilterClause};

/// How objects of one kind are provisioned.
#[derive(Debug, Clone, PartialEq)]
pub struct ObjectMapping {
    /// Users or groups.
    pub kind: ObjectKind,
    /// Its name, `Provision Microsoft Entra ID Users` for example.
    pub name: String,
    /// Whether the kind is provisioned at all; users always are (`mapping.md 1.2`).
    pub enabled: bool,
    /// Target object action Create.
    pub create: bool,
    /// Target object action Update, disabling included (`wire.md 5.2`).
    pub update: bool,
    /// Target object action Delete.
    pub delete: bool,
    /// What an unresolved reference leads to.
    pub escrow_behavior: EscrowBehavior,
    /// The scoping filter.
    pub scope: Filter,
    /// The attribute mappings, in the order that evaluation and updates follow.
    pub attributes: Vec<AttributeMapping>,
    /// What the target's object looks like.
    pub target: TargetObject,
}

/// How one target attribute gets its value.
#[derive(Debug, Clone, PartialEq)]
pub struct AttributeMapping {
    /// Where the value comes from.
    pub source: MappingSource,
    /// Where it goes.
    pub target: TargetPath,
    /// Used when the source side is null, only while the object is created. Of a None mapping: what fills a gap.
    pub default_value: Option<String>,
    /// 0: not matching. From 1: its place in the order of queries that look for an existing object.
    pub matching_priority: u32,
    /// When the value flows.
    pub flow_type: FlowType,
    /// Whether an equal value flows too.
    pub flow_behavior: FlowBehavior,
    /// Flow null values; without effect outbound unless `flow_null_values` gives it one (`mapping.md 1.4`).
    pub flow_null_values: bool,
}

/// The four kinds of mappings (`mapping.md 1.1`).
#[derive(Debug, Clone, PartialEq)]
pub enum MappingSource {
    /// The value of the source attribute of exactly this name.
    Direct(String),
    /// A fixed text.
    Constant(String),
    /// The result of an expression.
    Expression(Expression),
    /// Nothing flows; the default value fills a gap.
    None,
}

named! {
    /// When a mapping flows (`mapping.md 1.2`).
    FlowType {
        /// On create and on update.
        #[default]
        Always,
        /// On create only.
        ObjectAddOnly,
        /// Of a list, only the values that the target lacks.
        MultiValueAddOnly,
        /// Where the target has a value, only additions to it: nothing for a single-valued attribute.
        ValueAddOnly,
        /// Only while the target has no value at all.
        AttributeAddOnly,
    }
}

named! {
    /// What a reference to an object that could not be provisioned leads to (`engine.md 5.1`).
    EscrowBehavior {
        /// An escrow, until that object is there.
        #[default]
        Default,
        /// A warning, as for an object out of scope.
        IgnoreLookupReferenceResolutionFailure,
    }
}

named! {
    /// Whether an equal value flows too.
    FlowBehavior {
        /// Only a value that differs flows.
        #[default]
        FlowWhenChanged,
        /// Every update carries the value.
        FlowAlways,
    }
}

impl MappingSource {
    /// Names of the source attributes it reads.
    pub fn attributes(&self) -> Vec<&str> {
        match self {
            Self::Direct(name) => vec![name],
            Self::Expression(expression) => expression.attributes(),
            Self::Constant(_) | Self::None => Vec::new(),
        }
    }

    /// Whether its value has to be one that the target does not hold yet (`mapping.md 7.37`).
    pub fn selects_unique_value(&self) -> bool {
        matches!(self, Self::Expression(expression) if expression.functions().contains(&"SelectUniqueValue"))
    }
}

impl ObjectMapping {
    /// The mapping of a kind that an application does not take: switched off, with nothing in it.
    pub fn none(kind: ObjectKind) -> Self {
        Self {
            kind,
            name: String::new(),
            enabled: false,
            create: false,
            update: false,
            delete: false,
            escrow_behavior: EscrowBehavior::Default,
            scope: Filter::default(),
            attributes: Vec::new(),
            target: TargetObject { name: String::new(), attributes: IndexMap::new() },
        }
    }

    /// Everything that a person can set about the mapping, as text: equal texts mean equal mappings. Saving another
    /// one starts an initial cycle (`engine.md 1.1`).
    pub fn fingerprint(&self) -> String {
        let mut text = format!(
            "{} {} enabled={} create={} update={} delete={} escrow={}\nscope {}\n",
            self.kind,
            self.target.name,
            self.enabled,
            self.create,
            self.update,
            self.delete,
            self.escrow_behavior.as_str(),
            self.scope.to_graph_json()
        );
        for mapping in &self.attributes {
            let source = match &mapping.source {
                MappingSource::Direct(name) => format!("direct {name:?}"),
                MappingSource::Constant(constant) => format!("constant {constant:?}"),
                MappingSource::Expression(expression) => format!("expression {:?}", expression.canonical()),
                MappingSource::None => "none".to_owned(),
            };
            let row = format!(
                "{:?} <- {source} default={:?} matching={} {} {} nulls={} {:?}\n",
                mapping.target.as_str(),
                mapping.default_value,
                mapping.matching_priority,
                mapping.flow_type.as_str(),
                mapping.flow_behavior.as_str(),
                mapping.flow_null_values,
                self.definition(mapping)
            );
            text.push_str(&row);
        }
        text
    }

    /// Names of the source attributes that the mappings read, references included.
    pub fn source_attributes(&self) -> BTreeSet<&str> {
        self.attributes.iter().flat_map(|mapping| mapping.source.attributes()).collect()
    }

    /// Names of the source attributes that the mappings or the filter read.
    pub fn attributes_read(&self) -> BTreeSet<&str> {
        let clauses = self.scope.all_groups().flat_map(|group| &group.clauses);
        self.source_attributes().into_iter().chain(clauses.map(FilterClause::attribute)).collect()
    }

    /// The definition of a mapping's target attribute; `None` when the target object's list lacks it.
    pub fn definition(&self, mapping: &AttributeMapping) -> Option<&AttributeDefinition> {
        self.target.attributes.get(mapping.target.as_str())
    }

    /// The mappings whose target is a Reference: they are written in a pass of their own (`wire.md 4.7`, `6`).
    pub fn references(&self) -> Vec<ReferenceMapping<'_>> {
        let rows = self.attributes.iter().enumerate();
        rows.filter_map(|(mapping_index, mapping)| match (&mapping.source, self.definition(mapping)) {
            (MappingSource::Direct(source_attribute), Some(definition))
                if definition.attribute_type == AttributeType::Reference =>
            {
                Some(ReferenceMapping {
                    mapping_index,
                    source_attribute,
                    path: &mapping.target,
                    multivalued: definition.multivalued,
                    flow_type: mapping.flow_type,
                    referenced_objects: &definition.referenced_objects,
                })
            }
            _ => None,
        })
        .collect()
    }

    /// The matching mappings in ascending precedence: each with its place in [`Self::attributes`].
    pub fn matching(&self) -> Vec<(usize, &AttributeMapping)> {
        let mut matching: Vec<_> =
            self.attributes.iter().enumerate().filter(|(_, mapping)| 0 < mapping.matching_priority).collect();
        matching.sort_by_key(|(_, mapping)| mapping.matching_priority);
        matching
    }
}
