//! What the app holds: users and groups in the order of their creation, with the indexes that keep look-ups quick.

mod license;
mod shelf;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{RoundMode, Timestamp, TimestampRound, Unit};
use serde_json::{Map, Value, json};

use super::answer::Refusal;
use super::draft::{Draft, Finished, UnknownNames};
use super::edit::Verb;
use super::filter::evaluate::{self, find};
use super::filter::{Filter, Literal, Operator, Subject};
use super::members::Members;
use super::schema::{self, ENTERPRISE, Place};
use super::strict::AppRules;
use super::{Change, ContentError, ResourceKind};
use shelf::{Record, Shelf};

/// Users and groups.
#[derive(Debug, Clone)]
pub(super) struct Content {
    users: Shelf,
    groups: Shelf,
    /// Sequence numbers of the groups that have this id as a member.
    groups_of: BTreeMap<String, BTreeSet<u64>>,
    /// What changed since the keeper asked last.
    touched: BTreeSet<(ResourceKind, String)>,
    /// Start of locations in what is kept and shown; answers over HTTP have the absolute form.
    base_path: String,
    /// What the application takes that is played; `None`: everything.
    rules: Option<Arc<AppRules>>,
}

/// A page of a query.
pub(super) struct Page {
    /// How many resources meet the filter.
    pub(super) total: usize,
    /// The resources of the page, as clients read them.
    pub(super) resources: Vec<(ResourceKind, Value)>,
}

impl Content {
    /// No users, no groups.
    pub(super) fn new(base_path: &str, rules: Option<Arc<AppRules>>) -> Self {
        Self {
            users: Shelf::new(ResourceKind::User),
            groups: Shelf::new(ResourceKind::Group),
            groups_of: BTreeMap::new(),
            touched: BTreeSet::new(),
            base_path: base_path.to_owned(),
            rules,
        }
    }

    /// What has that id.
    pub(super) fn kind_of(&self, id: &str) -> Option<ResourceKind> {
        let kinds = [ResourceKind::User, ResourceKind::Group];
        kinds.into_iter().find(|kind| self.shelf(*kind).by_id(id).is_some())
    }

    /// Takes in resources that an earlier run kept.
    pub(super) fn load(&mut self, resources: impl IntoIterator<Item = Value>) -> Result<(), ContentError> {
        let mut kept = resources.into_iter().map(Kept::read).collect::<Result<Vec<_>, _>>()?;
        kept.sort_by_key(|one| one.created);
        for Kept { kind, id, created, modified, mut body } in kept {
            self.without_license(kind, &mut body);
            let refused = |refusal: &Refusal| ContentError::Resource {
                id: id.clone(),
                reason: refusal.detail().to_owned(),
            };
            if self.shelf(kind).by_id(&id).is_some() {
                return Err(ContentError::DuplicateId { id });
            }
            let none = Members::default();
            let mut draft = Draft::new(kind, Map::new(), &none, &|_| Value::Null);
            draft.merge(body, Verb::Add, UnknownNames::Drop).map_err(|refusal| refused(&refusal))?;
            let finished = draft.finish();
            // What an application requires may have changed since.
            if self.rules.is_none() {
                self.check_whole(kind, &finished.body).map_err(|refusal| refused(&refusal))?;
            }
            self.check_name(kind, &finished.body, None).map_err(|refusal| refused(&refusal))?;
            self.insert(kind, id, finished, created, modified);
        }
        self.touched.clear();
        Ok(())
    }

    /// Creates a resource; its id.
    pub(super) fn create(
        &mut self,
        kind: ResourceKind,
        object: Map<String, Value>,
        now: Timestamp,
    ) -> Result<String, Refusal> {
        let none = Members::default();
        let mut draft = Draft::new(kind, Map::new(), &none, &|_| Value::Null);
        draft.merge(object, Verb::Add, UnknownNames::Drop)?;
        let finished = draft.finish();
        self.check_whole(kind, &finished.body)?;
        self.check_name(kind, &finished.body, None)?;
        let id = self.shelf_mut(kind).new_id(&finished.body);
        let now = stamp(now);
        self.insert(kind, id.clone(), finished, now, now);
        Ok(id)
    }

    /// Changes a resource by what `edit` does to its draft: all of it, or nothing. A resource that ends as it began
    /// keeps its `lastModified`.
    pub(super) fn change(
        &mut self,
        kind: ResourceKind,
        id: &str,
        now: Timestamp,
        edit: impl FnOnce(&mut Draft<'_>) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        let (sequence, record) = self.find(kind, id)?;
        let describe = |member: &str| self.member(member, &self.base_path);
        let mut draft = Draft::new(kind, record.body.clone(), &record.members, &describe);
        edit(&mut draft)?;
        let finished = draft.finish();
        self.check_whole(kind, &finished.body)?;
        if finished.members.is_empty() && finished.body == record.body {
            return Ok(());
        }
        self.check_name(kind, &finished.body, Some(sequence))?;
        let renamed = finished.body.get("displayName") != record.body.get("displayName");
        let mut licensed = self.licensed_by(kind, record);
        licensed.extend(finished.members.added.iter().cloned());
        for member in &finished.members.removed {
            self.forget_membership(member, sequence);
        }
        for member in &finished.members.added {
            self.groups_of.entry(member.clone()).or_default().insert(sequence);
        }
        self.shelf_mut(kind).update(sequence, finished, stamp(now));
        self.touched.insert((kind, id.to_owned()));
        if renamed {
            self.forget_rendered_references(id);
        }
        self.license_again(kind, licensed);
        Ok(())
    }

    /// Gives a resource another id, `new` or one of the app's own, as a restored backup would: it leaves its groups and
    /// those who have it as manager. The id that it has then.
    pub(super) fn renumber(
        &mut self,
        kind: ResourceKind,
        id: &str,
        new: Option<&str>,
        now: Timestamp,
    ) -> Result<String, Refusal> {
        let (_, record) = self.find(kind, id)?;
        let mut fields = self.fields(kind, record, &self.base_path, true);
        self.without_license(kind, &mut fields);
        let none = Members::default();
        let mut draft = Draft::new(kind, Map::new(), &none, &|_| Value::Null);
        draft.merge(fields, Verb::Add, UnknownNames::Drop)?;
        let finished = draft.finish();
        self.remove(kind, id, now)?;
        let new = new.map_or_else(|| self.shelf_mut(kind).new_id(&finished.body), str::to_owned);
        let now = stamp(now);
        self.insert(kind, new.clone(), finished, now, now);
        Ok(new)
    }

    /// Removes a resource. It leaves its groups, and nobody has it as manager any more.
    pub(super) fn remove(&mut self, kind: ResourceKind, id: &str, now: Timestamp) -> Result<(), Refusal> {
        let (sequence, _) = self.find(kind, id)?;
        let now = stamp(now);
        if let Some(record) = self.shelf_mut(kind).remove(sequence) {
            for member in record.members.iter() {
                self.forget_membership(member, sequence);
            }
            self.license_again(kind, self.licensed_by(kind, &record));
        }
        for group in self.groups_of.remove(id).unwrap_or_default() {
            if let Some(group_id) = self.groups.drop_member(group, id, now) {
                self.touched.insert((ResourceKind::Group, group_id));
            }
        }
        for report in self.users.reports_of(id) {
            if let Some(user_id) = self.users.drop_manager(report, now) {
                self.touched.insert((ResourceKind::User, user_id));
            }
        }
        self.touched.insert((kind, id.to_owned()));
        Ok(())
    }

    /// A resource as clients read it.
    pub(super) fn read(
        &self,
        kind: ResourceKind,
        id: &str,
        base: &str,
        with_members: bool,
    ) -> Result<Value, Refusal> {
        let (_, record) = self.find(kind, id)?;
        Ok(self.render(kind, record, base, with_members))
    }

    /// The resources of the kinds that meet the filter: `count` of them behind the first `skip`.
    pub(super) fn list(
        &self,
        kinds: &[ResourceKind],
        filter: Option<&Filter>,
        skip: usize,
        count: usize,
        base: &str,
        with_members: bool,
    ) -> Page {
        let mut page = Page { total: 0, resources: Vec::new() };
        for &kind in kinds {
            let shelf = self.shelf(kind);
            let Some(filter) = filter else {
                let skip_here = skip.saturating_sub(page.total);
                let room = count.saturating_sub(page.resources.len());
                let taken = shelf.iter().skip(skip_here).take(room);
                page.resources
                    .extend(taken.map(|record| (kind, self.render(kind, record, base, with_members))));
                page.total = page.total.saturating_add(shelf.len());
                continue;
            };
            let mut meet = |record: &Record| {
                if !evaluate::holds(filter, &View { kind, record, content: self }) {
                    return;
                }
                if skip <= page.total && page.resources.len() < count {
                    page.resources.push((kind, self.render(kind, record, base, with_members)));
                }
                page.total = page.total.saturating_add(1);
            };
            match self.candidates(kind, filter) {
                Some(few) => few.iter().filter_map(|sequence| shelf.get(*sequence)).for_each(&mut meet),
                None => shelf.iter().for_each(&mut meet),
            }
        }
        page
    }

    /// Every resource as kept and shown: users, then groups, in the order of their creation.
    pub(super) fn resources(&self) -> impl Iterator<Item = &Value> {
        let users = self.users.iter().map(|record| (ResourceKind::User, record));
        let groups = self.groups.iter().map(|record| (ResourceKind::Group, record));
        users.chain(groups).map(|(kind, record)| {
            record.rendered.get_or_init(|| self.render(kind, record, &self.base_path, true))
        })
    }

    /// What changed since the last call.
    pub(super) fn drain_changes(&mut self) -> Vec<Change> {
        let touched = std::mem::take(&mut self.touched);
        let change = |(kind, id): (ResourceKind, String)| match self.read(kind, &id, &self.base_path, true) {
            Ok(resource) => Change::Put(resource),
            Err(_gone) => Change::Removed { kind, id },
        };
        touched.into_iter().map(change).collect()
    }

    fn shelf(&self, kind: ResourceKind) -> &Shelf {
        match kind {
            ResourceKind::User => &self.users,
            ResourceKind::Group => &self.groups,
        }
    }

    fn shelf_mut(&mut self, kind: ResourceKind) -> &mut Shelf {
        match kind {
            ResourceKind::User => &mut self.users,
            ResourceKind::Group => &mut self.groups,
        }
    }

    fn find(&self, kind: ResourceKind, id: &str) -> Result<(u64, &Record), Refusal> {
        self.shelf(kind).by_id(id).ok_or_else(|| Refusal::not_found(format!("there is no {kind} `{id}`")))
    }

    fn insert(
        &mut self,
        kind: ResourceKind,
        id: String,
        finished: Finished,
        created: Timestamp,
        modified: Timestamp,
    ) {
        let members = finished.members.added.clone();
        let sequence = self.shelf_mut(kind).insert(id.clone(), finished, created, modified);
        for member in &members {
            self.groups_of.entry(member.clone()).or_default().insert(sequence);
        }
        self.license_again(kind, members);
        // Somebody may have named this id before it was there.
        self.forget_rendered_references(&id);
        self.touched.insert((kind, id));
    }

    /// Refuses a resource that lacks what it must have: its name, or what the application requires.
    fn check_whole(&self, kind: ResourceKind, body: &Map<String, Value>) -> Result<(), Refusal> {
        if let Some(rules) = &self.rules {
            return rules.check_required(kind, body);
        }
        let name = schema::naming_attribute(kind);
        if body.contains_key(name) {
            return Ok(());
        }
        Err(Refusal::value(format!("a {kind} must have a `{name}`")))
    }

    /// Refuses a name that another resource of the kind has (RFC 7643 §4.1.1, `preflight.md B19`).
    fn check_name(
        &self,
        kind: ResourceKind,
        body: &Map<String, Value>,
        own: Option<u64>,
    ) -> Result<(), Refusal> {
        let attribute = schema::naming_attribute(kind);
        let name = name_of(kind, body);
        let taken = name
            .is_some_and(|name| self.shelf(kind).holders_of(name).iter().any(|other| Some(*other) != own));
        if taken {
            return Err(Refusal::uniqueness(format!("another {kind} has this `{attribute}`")));
        }
        Ok(())
    }

    fn forget_membership(&mut self, member: &str, group: u64) {
        if let Some(groups) = self.groups_of.get_mut(member) {
            groups.remove(&group);
            if groups.is_empty() {
                self.groups_of.remove(member);
            }
        }
    }

    /// Whoever shows the name of this resource has to be rendered anew.
    fn forget_rendered_references(&mut self, id: &str) {
        for group in self.groups_of.get(id).into_iter().flatten() {
            self.groups.forget_rendered(*group);
        }
        for report in self.users.reports_of(id) {
            self.users.forget_rendered(report);
        }
    }

    fn render(&self, kind: ResourceKind, record: &Record, base: &str, with_members: bool) -> Value {
        Value::Object(self.fields(kind, record, base, with_members))
    }

    fn fields(
        &self,
        kind: ResourceKind,
        record: &Record,
        base: &str,
        with_members: bool,
    ) -> Map<String, Value> {
        let mut body = record.body.clone();
        self.add_license(kind, record, &mut body);
        let mut schemas = vec![Value::from(schema::core_schema(kind))];
        let extensions = body.iter().filter(|(_, value)| value.is_object());
        schemas.extend(
            extensions.filter(|(name, _)| super::path::is_urn(name)).map(|(name, _)| name.as_str().into()),
        );
        let mut fields = Map::new();
        fields.insert("schemas".to_owned(), Value::Array(schemas));
        fields.insert("id".to_owned(), record.id.as_str().into());
        fields.extend(body);
        let manager = fields.get_mut(ENTERPRISE).and_then(|extension| extension.get_mut("manager"));
        if let Some(manager) = manager
            && let Some(id) = manager.get("value").and_then(Value::as_str)
        {
            *manager = self.manager(id, base);
        }
        if with_members && 0 < record.members.len() {
            let members = record.members.iter().map(|id| self.member(id, base)).collect();
            fields.insert("members".to_owned(), Value::Array(members));
        }
        fields.insert("meta".to_owned(), meta(kind, record, base));
        fields
    }

    /// A member as clients read it; one that the app does not know is its id alone.
    fn member(&self, id: &str, base: &str) -> Value {
        let known = [ResourceKind::User, ResourceKind::Group]
            .into_iter()
            .find_map(|kind| self.shelf(kind).by_id(id).map(|(_, record)| (kind, record)));
        let mut fields = Map::from_iter([("value".to_owned(), id.into())]);
        if let Some((kind, record)) = known {
            fields.insert("$ref".to_owned(), location(kind, id, base).into());
            fields.insert("type".to_owned(), kind.as_str().into());
            fields.extend(record.body.get("displayName").map(|name| ("display".to_owned(), name.clone())));
        }
        Value::Object(fields)
    }

    fn manager(&self, id: &str, base: &str) -> Value {
        let mut fields = Map::from_iter([("value".to_owned(), id.into())]);
        if let Some((_, record)) = self.users.by_id(id) {
            fields.insert("$ref".to_owned(), location(ResourceKind::User, id, base).into());
            fields
                .extend(record.body.get("displayName").map(|name| ("displayName".to_owned(), name.clone())));
        }
        Value::Object(fields)
    }

    /// A few resources among which are all that meet the filter, when an index tells.
    fn candidates(&self, kind: ResourceKind, filter: &Filter) -> Option<BTreeSet<u64>> {
        match filter {
            Filter::And(all) => all.iter().find_map(|part| self.candidates(kind, part)),
            Filter::Or(any) => {
                let each: Option<Vec<_>> = any.iter().map(|part| self.candidates(kind, part)).collect();
                each.map(|sets| sets.into_iter().flatten().collect())
            }
            Filter::Compare(Subject { name, .. }, Operator::Equal, Literal::Text(text)) => {
                let resolved = schema::resolve(kind, name)?;
                if resolved.place == Place::Core && resolved.name == "id" {
                    return Some(
                        self.shelf(kind).by_id(text).map(|(sequence, _)| sequence).into_iter().collect(),
                    );
                }
                let is_member_id = resolved.compared_sub().is_some_and(|sub| sub.name == "value");
                if resolved.place == Place::Core && resolved.name == "members" && is_member_id {
                    return Some(self.groups_of.get(text).cloned().unwrap_or_default());
                }
                self.shelf(kind).indexed(&resolved, text)
            }
            Filter::Not(_) | Filter::Present(_) | Filter::Compare(..) => None,
        }
    }
}

/// A record as filters see it.
struct View<'a> {
    kind: ResourceKind,
    record: &'a Record,
    content: &'a Content,
}

impl evaluate::Source for View<'_> {
    fn kind(&self) -> ResourceKind {
        self.kind
    }

    fn attribute(&self, place: &Place, name: &str) -> Option<Cow<'_, Value>> {
        let body = &self.record.body;
        let base = &self.content.base_path;
        match (place, name) {
            (Place::Extension(urn), _) => find(body, urn)
                .and_then(Value::as_object)
                .and_then(|fields| find(fields, name))
                .map(Cow::Borrowed),
            (Place::Core, "id") => Some(Cow::Owned(self.record.id.as_str().into())),
            (Place::Core, "meta") => Some(Cow::Owned(meta(self.kind, self.record, base))),
            (Place::Core, "schemas" | "members") => {
                let mut fields = self.content.fields(self.kind, self.record, base, true);
                fields.shift_remove(name).map(Cow::Owned)
            }
            (Place::Core, _) => body.get(name).map(Cow::Borrowed),
        }
    }
}

/// A resource that an earlier run kept, its envelope read.
struct Kept {
    kind: ResourceKind,
    id: String,
    created: Timestamp,
    modified: Timestamp,
    body: Map<String, Value>,
}

impl Kept {
    fn read(resource: Value) -> Result<Self, ContentError> {
        let Value::Object(body) = resource else {
            return Err(ContentError::NotAnObject);
        };
        let id = body.get("id").and_then(Value::as_str).ok_or(ContentError::NoId)?.to_owned();
        let meta = |name: &'static str| {
            let found = body.get("meta").and_then(|meta| meta.get(name)).and_then(Value::as_str);
            found.ok_or_else(|| ContentError::Meta { id: id.clone(), name })
        };
        let time = |name| meta(name)?.parse().map_err(|_| ContentError::Meta { id: id.clone(), name });
        let kind = match meta("resourceType")? {
            "User" => ResourceKind::User,
            "Group" => ResourceKind::Group,
            _ => {
                return Err(ContentError::Meta { id, name: "resourceType" });
            }
        };
        let (created, modified) = (time("created")?, time("lastModified")?);
        Ok(Self { kind, id, created, modified, body })
    }
}

fn meta(kind: ResourceKind, record: &Record, base: &str) -> Value {
    json!({
        "resourceType": kind.as_str(),
        "created": record.created.to_string(),
        "lastModified": record.modified.to_string(),
        "location": location(kind, &record.id, base),
    })
}

fn name_of(kind: ResourceKind, body: &Map<String, Value>) -> Option<&str> {
    body.get(schema::naming_attribute(kind)).and_then(Value::as_str)
}

/// Where a resource is read.
pub(super) fn location(kind: ResourceKind, id: &str, base: &str) -> String {
    format!("{base}/{}/{id}", kind.endpoint())
}

/// Milliseconds are enough, and what clients can parse (`wire.md 11.1`).
fn stamp(now: Timestamp) -> Timestamp {
    let truncation = TimestampRound::new().smallest(Unit::Millisecond).mode(RoundMode::Trunc);
    now.round(truncation).unwrap_or(now)
}
