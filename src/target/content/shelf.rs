//! The resources of one kind, with their indexes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use jiff::Timestamp;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::target::ResourceKind;
use crate::target::draft::Finished;
use crate::target::filter::evaluate::{compared_values, find, folded};
use crate::target::members::Members;
use crate::target::path::AttributeName;
use crate::target::schema::{self, Place, Resolved};

/// Attributes of users that `eq` finds without reading every user: the naming attribute first, then the usual
/// matching attributes (`wire.md 2.3`), and the manager, to find somebody's reports.
const INDEXED_USER: &[&str] =
    &["userName", "displayName", "externalId", "emails.value", "employeeNumber", MANAGER];
/// The same for groups.
const INDEXED_GROUP: &[&str] = &["displayName", "externalId"];
const MANAGER: &str = "manager.value";

/// One resource.
#[derive(Debug, Clone)]
pub(super) struct Record {
    pub(super) id: String,
    pub(super) created: Timestamp,
    pub(super) modified: Timestamp,
    /// The attributes, without `schemas`, `id`, `meta` and `members`.
    pub(super) body: Map<String, Value>,
    pub(super) members: Members,
    /// The whole resource as kept and shown, made when somebody looks.
    pub(super) rendered: OnceLock<Value>,
}

/// The resources of one kind by the order of their creation.
#[derive(Debug, Clone)]
pub(super) struct Shelf {
    kind: ResourceKind,
    records: BTreeMap<u64, Record>,
    ids: BTreeMap<String, u64>,
    indexes: Vec<Index>,
    /// How many resources were created with a name.
    created_with_name: BTreeMap<String, u64>,
    next: u64,
}

/// Which resources have which value of an attribute.
#[derive(Debug, Clone)]
struct Index {
    text: &'static str,
    attribute: Resolved,
    exact: bool,
    holders: BTreeMap<String, BTreeSet<u64>>,
}

impl Shelf {
    pub(super) fn new(kind: ResourceKind) -> Self {
        let indexed = match kind {
            ResourceKind::User => INDEXED_USER,
            ResourceKind::Group => INDEXED_GROUP,
        };
        let indexes = indexed.iter().filter_map(|text| Index::new(kind, text)).collect();
        let (records, ids, created_with_name) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Self { kind, records, ids, indexes, created_with_name, next: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.records.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Record> {
        self.records.values()
    }

    pub(super) fn get(&self, sequence: u64) -> Option<&Record> {
        self.records.get(&sequence)
    }

    pub(super) fn by_id(&self, id: &str) -> Option<(u64, &Record)> {
        let sequence = *self.ids.get(id)?;
        self.records.get(&sequence).map(|record| (sequence, record))
    }

    /// Who has the name, its case ignored.
    pub(super) fn holders_of(&self, name: &str) -> BTreeSet<u64> {
        self.indexes.first().map(|index| index.holders(name)).unwrap_or_default()
    }

    /// Users whose manager has the id.
    pub(super) fn reports_of(&self, id: &str) -> BTreeSet<u64> {
        let index = self.indexes.iter().find(|index| index.text == MANAGER);
        index.map(|index| index.holders(id)).unwrap_or_default()
    }

    /// The resources that have the value; `None` when the attribute is not indexed.
    pub(super) fn indexed(&self, attribute: &Resolved, value: &str) -> Option<BTreeSet<u64>> {
        self.indexes.iter().find(|index| index.covers(attribute)).map(|index| index.holders(value))
    }

    /// An id for a new resource: it depends on the name and on how many were created with it before, and on nothing
    /// else that happened.
    pub(super) fn new_id(&mut self, body: &Map<String, Value>) -> String {
        let name = body.get(schema::naming_attribute(self.kind)).and_then(Value::as_str).unwrap_or_default();
        let name = folded(name, false).into_owned();
        let created = self.created_with_name.entry(name.clone()).or_default();
        loop {
            let seed = format!("scimulator/target/{}/{created}/{name}", self.kind);
            *created = created.saturating_add(1);
            let id = Uuid::new_v5(&Uuid::NAMESPACE_OID, seed.as_bytes()).to_string();
            // Content kept by an earlier run may hold ids that were not counted here.
            if !self.ids.contains_key(&id) {
                return id;
            }
        }
    }

    /// Puts a new resource behind the others; its sequence number.
    pub(super) fn insert(
        &mut self,
        id: String,
        finished: Finished,
        created: Timestamp,
        modified: Timestamp,
    ) -> u64 {
        let sequence = self.next;
        self.next = self.next.saturating_add(1);
        for index in &mut self.indexes {
            index.enter(sequence, &finished.body);
        }
        let mut members = Members::default();
        members.apply(&finished.members);
        self.ids.insert(id.clone(), sequence);
        let record =
            Record { id, created, modified, body: finished.body, members, rendered: OnceLock::new() };
        self.records.insert(sequence, record);
        sequence
    }

    /// Sets a resource to its new state.
    pub(super) fn update(&mut self, sequence: u64, finished: Finished, modified: Timestamp) {
        let Some(record) = self.records.get_mut(&sequence) else {
            return;
        };
        for index in &mut self.indexes {
            index.leave(sequence, &record.body);
            index.enter(sequence, &finished.body);
        }
        record.body = finished.body;
        record.members.apply(&finished.members);
        record.modified = modified;
        record.rendered = OnceLock::new();
    }

    /// Takes a resource out.
    pub(super) fn remove(&mut self, sequence: u64) -> Option<Record> {
        let record = self.records.remove(&sequence)?;
        self.ids.remove(&record.id);
        for index in &mut self.indexes {
            index.leave(sequence, &record.body);
        }
        Some(record)
    }

    /// Takes a member out of a group; the group's id.
    pub(super) fn drop_member(&mut self, sequence: u64, member: &str, modified: Timestamp) -> Option<String> {
        let record = self.records.get_mut(&sequence)?;
        record.members.remove(member);
        record.modified = modified;
        record.rendered = OnceLock::new();
        Some(record.id.clone())
    }

    /// Takes a user's manager away; the user's id.
    pub(super) fn drop_manager(&mut self, sequence: u64, modified: Timestamp) -> Option<String> {
        let record = self.records.get(&sequence)?;
        let id = record.id.clone();
        let mut body = record.body.clone();
        let extension = body.get_mut(schema::ENTERPRISE).and_then(Value::as_object_mut)?;
        extension.shift_remove("manager");
        if extension.is_empty() {
            body.shift_remove(schema::ENTERPRISE);
        }
        self.update(
            sequence,
            Finished { body, members: crate::target::members::MemberChange::default() },
            modified,
        );
        Some(id)
    }

    /// Has a resource rendered anew the next time somebody looks.
    pub(super) fn forget_rendered(&mut self, sequence: u64) {
        if let Some(record) = self.records.get_mut(&sequence) {
            record.rendered = OnceLock::new();
        }
    }
}

impl Index {
    fn new(kind: ResourceKind, text: &'static str) -> Option<Self> {
        let attribute = schema::resolve(kind, &AttributeName::parse(text)?)?;
        let compared = attribute.compared_sub().and_then(|sub| sub.definition).or(attribute.definition);
        let exact = compared.is_some_and(|definition| definition.case_exact);
        Some(Self { text, attribute, exact, holders: BTreeMap::new() })
    }

    fn covers(&self, attribute: &Resolved) -> bool {
        let sub = |resolved: &Resolved| resolved.compared_sub().map(|sub| sub.name);
        self.attribute.place == attribute.place
            && self.attribute.name == attribute.name
            && sub(&self.attribute) == sub(attribute)
    }

    fn holders(&self, value: &str) -> BTreeSet<u64> {
        self.holders.get(folded(value, self.exact).as_ref()).cloned().unwrap_or_default()
    }

    fn enter(&mut self, sequence: u64, body: &Map<String, Value>) {
        for key in self.keys(body) {
            self.holders.entry(key).or_default().insert(sequence);
        }
    }

    fn leave(&mut self, sequence: u64, body: &Map<String, Value>) {
        for key in self.keys(body) {
            if let Some(holders) = self.holders.get_mut(&key) {
                holders.remove(&sequence);
                if holders.is_empty() {
                    self.holders.remove(&key);
                }
            }
        }
    }

    fn keys(&self, body: &Map<String, Value>) -> Vec<String> {
        let fields = match &self.attribute.place {
            Place::Core => Some(body),
            Place::Extension(urn) => find(body, urn).and_then(Value::as_object),
        };
        let value = fields.and_then(|fields| fields.get(&self.attribute.name));
        let values = value.map(|value| compared_values(&self.attribute, value)).unwrap_or_default();
        values
            .into_iter()
            .filter_map(Value::as_str)
            .map(|text| folded(text, self.exact).into_owned())
            .collect()
    }
}
