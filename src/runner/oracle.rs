//! What the oracle is told about a job: its rules as data, its world out of the state, the target read back.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;

use super::{Job, Kept, RunError, Target, runtime, spec_in_effect};
use crate::client::journal::{About, JournalWriter, ObjectRef};
use crate::client::{Answered, Authorized, Exchange};
use crate::clock::{Clock, Timestamp};
use crate::directory::object::ObjectKind;
use crate::engine::drive::InProcess as _;
use crate::engine::spec::JobSpec;
use crate::expression::AttributeValue;
use crate::http::{Method, Response, TransportError};
use crate::mapping::{AttributeType, FlowType, MappingSource, Mutability, ObjectMapping, shorten_guest_upn};
use crate::oracle::{
    self, Filtered, Flow, History, Kind, MappingRule, Object, Question, Reference, Report, Settings, Source,
    State, World,
};
use crate::scim::answer::ReadById;
use crate::scim::query::{collection_path, resource_path};
use crate::scope::ScopeMode;
use crate::scope::filter::FilterVerdict;
use crate::store::{Account, ObjectState, Store, StoreError, StoredObject};

/// Resources asked for in a page of a list.
const PAGE: usize = 100;
/// So many pages of a list are read at most, of users and of groups each: a million accounts.
const PAGES_MAX: usize = 10_000;

/// What a removal outside of cycles goes by in the wire journal, in the place of an effect.
const CLEAN: &str = "clean";

/// What a target was found to hold.
#[derive(Debug, Clone, Default)]
pub struct ReadBack {
    /// The resources, with their kinds.
    pub resources: Vec<(ObjectKind, Value)>,
    /// What could not be read, and why: a person should know of it.
    pub gaps: Vec<String>,
    /// Linked accounts among that, by kind and id of the target: whether they are there is not known.
    pub unread: BTreeSet<(ObjectKind, String)>,
}

/// The exchanges that verdicts rest on.
#[derive(Debug, Clone, Copy)]
pub struct Evidence<'e> {
    /// The job's exchanges, in order.
    pub exchanges: &'e [Exchange],
    /// The target was right before this one.
    pub since: usize,
}

impl<'e> Evidence<'e> {
    /// Exchanges before some of which the target was right, going by what [`Evidence::mark`] said of them then. Where that
    /// exchange is no longer kept, nothing is that left before it.
    pub fn after(exchanges: &'e [Exchange], mark: Option<&str>) -> Self {
        let since = mark.map_or(0, |mark| {
            let left_at = mark.split(' ').next().and_then(|text| text.parse::<Timestamp>().ok());
            let is_earlier = |exchange: &Exchange| left_at.is_some_and(|at| exchange.about.started < at);
            let last = exchanges
                .iter()
                .rposition(|exchange| mark_of(exchange) == mark)
                .or_else(|| exchanges.iter().rposition(is_earlier));
            last.map_or(0, |last| last.saturating_add(1))
        });
        Self { exchanges, since }
    }

    /// What names the last exchange, for a later comparison; `None` when there is none.
    pub fn mark(&self) -> Option<String> {
        self.exchanges.last().map(mark_of)
    }
}

/// When it left, its cycle, effect, method and URL: two requests of a job differ in one of them.
fn mark_of(exchange: &Exchange) -> String {
    let About { effect, cycle, started, .. } = &exchange.about;
    let cycle = cycle.map_or_else(|| "-".to_owned(), |cycle| cycle.to_string());
    format!("{started} {cycle} {effect} {} {}", exchange.request.method, exchange.request.url)
}

/// What reading a target back came to.
#[derive(Debug, Clone)]
pub enum Seen {
    /// What it holds.
    Read(ReadBack),
    /// Neither lists nor accounts could be read: why.
    Unreachable(String),
}

impl Job {
    /// Compares what the target of this job holds with what it should hold.
    pub fn compare(
        &self,
        store: &Store,
        clock: &dyn Clock,
        read: &ReadBack,
        evidence: Evidence<'_>,
    ) -> Result<Report, RunError> {
        let spec = spec_in_effect(&self.spec, &self.config, store)?;
        let question = Question {
            settings: &settings(&spec),
            world: &world(&spec, store)?,
            held: &read.resources,
            unread: &read.unread,
            exchanges: evidence.exchanges,
            base_url: &spec.base_url,
            since: evidence.since,
            now: clock.now(),
        };
        Ok(oracle::compare(&question))
    }

    /// Reads the target back: the embedded app's content out of band, any other by pages of its lists, and by id whom
    /// the job knows and no list has.
    pub fn read_back(&self, store: &Store, clock: &dyn Clock) -> Result<Seen, RunError> {
        if let Target::Embedded(_) = &self.target {
            let resources = store.embedded_content(&self.spec.name)?;
            let kind = |resource: &Value| {
                ObjectKind::from_name(resource.pointer("/meta/resourceType").and_then(Value::as_str)?)
            };
            let resources = resources.into_iter().filter_map(|resource| Some((kind(&resource)?, resource)));
            return Ok(Seen::Read(ReadBack { resources: resources.collect(), ..ReadBack::default() }));
        }
        let mut read = ReadBack::default();
        let mut unreachable = None;
        for kind in [ObjectKind::User, ObjectKind::Group] {
            let collection = collection_path(kind);
            if !self.spec.mapping(kind).enabled {
                continue;
            }
            if let Err(why) = self.read_list((kind, collection), store, clock, &mut read)? {
                read.gaps.push(format!("/{collection} can't be listed: {why}"));
                unreachable.get_or_insert(why);
            }
        }
        let listed: BTreeSet<String> =
            read.resources.iter().filter_map(|(_, resource)| id_of(resource)).map(str::to_owned).collect();
        let mut was_answered = !read.resources.is_empty() || unreachable.is_none();
        for ((kind, _), link) in store.links(&self.spec.name)? {
            if listed.contains(&link.target_id) {
                continue;
            }
            let path = resource_path(kind, &link.target_id);
            let answer = match self.get(store, clock, &path)? {
                Ok(answer) => answer,
                Err(error) => return Ok(Seen::Unreachable(error.to_string())),
            };
            was_answered |= answer.is_success();
            match ReadById::of(&answer) {
                ReadById::There(resource) => read.resources.push((kind, resource)),
                ReadById::Gone => was_answered = true,
                ReadById::Unreadable(why) => {
                    read.gaps.push(format!("/{path} can't be read: {why}"));
                    read.unread.insert((kind, link.target_id));
                }
            }
        }
        match unreachable {
            Some(why) if !was_answered => Ok(Seen::Unreachable(why)),
            Some(_) | None => Ok(Seen::Read(read)),
        }
    }

    /// Deletes an account from the target, apart from any cycle, the embedded app's too, and writes that into the wire
    /// journal. The inner result is the answer, or why there is none. The caller holds the job's lock.
    pub fn remove(
        &self,
        store: &mut Store,
        clock: &dyn Clock,
        account: &Account,
    ) -> Result<Result<Response, TransportError>, RunError> {
        let started = clock.now();
        let mut journal = JournalWriter::open(&self.journal, &self.spec.name).map_err(RunError::Journal)?;
        let mut request = self.request(Method::Delete, &resource_path(account.kind, &account.target_id));
        let authorization = &self.credentials.authorization;
        let Authorized { before, request, answered } = match &self.target {
            Target::Embedded(embedded) => {
                authorization.apply(&mut request);
                let mut kept =
                    Kept { app: embedded.app(&self.spec.name, store)?, job: self.spec.name.clone() };
                let outcome = Ok(kept.app.handle(&request, started).response);
                kept.keep(store)?;
                let answered = Answered { outcome, elapsed: Duration::ZERO };
                Authorized { before: Vec::new(), request, answered }
            }
            Target::Remote(remote) => runtime()?.block_on(authorization.exchange(&remote.network, request)),
        };
        for (request, answered) in before.iter().chain([&(request, answered.clone())]) {
            let about = About {
                effect: CLEAN.to_owned(),
                cycle: None,
                object: Some(ObjectRef {
                    kind: account.kind,
                    label: account.label.clone(),
                    source_id: account.source_id.clone(),
                }),
                started,
            };
            let exchange = Exchange::record(about, request, answered, &self.credentials.redactor);
            journal.append(&exchange).map_err(RunError::Journal)?;
        }
        Ok(answered.outcome)
    }

    /// Reads a list to its end; the inner error says why it can't be read.
    fn read_list(
        &self,
        (kind, collection): (ObjectKind, &str),
        store: &Store,
        clock: &dyn Clock,
        read: &mut ReadBack,
    ) -> Result<Result<(), String>, RunError> {
        let mut start = 1;
        let mut seen = BTreeSet::new();
        for _ in 0..PAGES_MAX {
            let answer =
                match self.get(store, clock, &format!("{collection}?startIndex={start}&count={PAGE}"))? {
                    Ok(answer) if answer.is_success() => answer,
                    Ok(answer) => return Ok(Err(format!("the target answered {}", answer.status))),
                    Err(error) => return Ok(Err(error.to_string())),
                };
            let Ok(Value::Object(mut list)) = serde_json::from_slice(&answer.body) else {
                return Ok(Err("the answer is no JSON object".to_owned()));
            };
            let total = list.get("totalResults").and_then(Value::as_u64);
            let page = match list.get_mut("Resources").map(Value::take) {
                Some(Value::Array(page)) => page,
                None if total == Some(0) || 1 < start => Vec::new(),
                Some(_) | None => return Ok(Err("the answer is no list".to_owned())),
            };
            let before = seen.len();
            let length = page.len();
            for resource in page {
                // A target that does not know pages answers with the same one again and again.
                if id_of(&resource).is_some_and(|id| seen.insert(id.to_owned())) {
                    read.resources.push((kind, resource));
                }
            }
            start += length;
            if seen.len() == before
                || total.is_none_or(|total| total < u64::try_from(start).unwrap_or(u64::MAX))
            {
                return Ok(Ok(()));
            }
        }
        Ok(Err(format!("it goes on after {PAGES_MAX} pages")))
    }
}

fn id_of(resource: &Value) -> Option<&str> {
    resource.get("id").and_then(Value::as_str)
}

/// The rules of a job, as data.
fn settings(spec: &JobSpec) -> Settings {
    Settings {
        everybody: spec.scope == ScopeMode::All,
        users: kind(&spec.users),
        groups: kind(&spec.groups),
        skip_out_of_scope: spec.rules.skip_out_of_scope,
        covers_soft_delete: spec.rules.covers_soft_delete,
        keeps_groups: spec.rules.keeps_groups,
        can_disable: spec.rules.soft_delete_supported,
        deletes_unmapped: spec.rules.delete_when_unmapped,
        expressions: spec.expressions.clone(),
        roles: spec.roles.clone(),
        roles_off: spec.roles_off.clone(),
        recovers_creates: spec.rules.intent_recovery,
    }
}

fn kind(mapping: &ObjectMapping) -> Kind {
    let wanted = match mapping.kind {
        ObjectKind::User => "manager",
        ObjectKind::Group => "members",
    };
    let references = mapping.references();
    let reference = references.iter().find(|reference| reference.source_attribute == wanted);
    let kinds = [ObjectKind::User, ObjectKind::Group];
    Kind {
        enabled: mapping.enabled,
        create: mapping.create,
        update: mapping.update,
        delete: mapping.delete,
        rules: mapping
            .attributes
            .iter()
            .filter_map(|attribute| {
                let definition = mapping.definition(attribute)?;
                (definition.attribute_type != AttributeType::Reference).then(|| MappingRule {
                    path: attribute.target.as_str().to_owned(),
                    source: match &attribute.source {
                        MappingSource::Direct(name) => Source::Direct(name.clone()),
                        MappingSource::Constant(text) => Source::Constant(text.clone()),
                        MappingSource::Expression(expression) => Source::Expression(expression.clone()),
                        MappingSource::None => Source::None,
                    },
                    default: attribute.default_value.clone().or_else(|| definition.default_value.clone()),
                    flow: match attribute.flow_type {
                        FlowType::Always => Flow::Always,
                        FlowType::ObjectAddOnly => Flow::OnCreate,
                        FlowType::MultiValueAddOnly | FlowType::ValueAddOnly | FlowType::AttributeAddOnly => {
                            Flow::Adds
                        }
                    },
                    matching: 0 < attribute.matching_priority,
                    exact: definition.case_exact,
                    multivalued: definition.multivalued,
                    returned: definition.mutability != Mutability::WriteOnly
                        && !attribute.target.is_core("password"),
                })
            })
            .collect(),
        reference: reference.map(|reference| Reference {
            path: reference.path.as_str().to_owned(),
            kinds: kinds.into_iter().filter(|kind| reference.points_to(*kind)).collect(),
        }),
    }
}

/// The directory as the job has seen it, and what the job knows.
fn world(spec: &JobSpec, store: &Store) -> Result<World, StoreError> {
    let job = &spec.name;
    let row = store.job(job)?;
    let watermark = row.filter(|row| row.definition == spec.definition).and_then(|row| row.watermark);
    let touched = match watermark {
        Some(seq) => Some(store.touched_after(seq)?),
        None => None,
    };
    let since_everybody = match store.everybody_until(job)?.filter(|_| spec.scope != ScopeMode::All) {
        Some(seq) => Some(store.touched_after(seq)?),
        None => None,
    };
    let links = store.links(job)?;
    let staged: BTreeSet<_> = store.staged(job)?.into_iter().map(|(kind, id, _)| (kind, id)).collect();
    let mut escrows = BTreeMap::new();
    for escrow in store.escrows(job)? {
        escrows.entry((escrow.kind, escrow.source_id)).or_insert(escrow.reason);
    }
    let mut world = World { history: history(job, store)?, ..World::default() };
    for (group, member) in store.all_memberships()? {
        world.members.entry(group).or_default().insert(member);
    }
    for (principal, role) in store.all_assignments(job)? {
        world.assignments.entry(principal).or_default().insert(role);
    }
    world.recorded = store.all_references(job)?.into_iter().collect();
    for stored in store.everybody(job)? {
        let key = (stored.kind, stored.id.clone());
        if let (ObjectKind::User, Some(manager)) = (stored.kind, stored.text("manager"))
            && let Some(id) = store.resolve_manager(manager)?
        {
            world.managers.insert(stored.id.clone(), id);
        }
        let object = Object {
            label: stored.label.clone(),
            state: match stored.state {
                ObjectState::Active => State::Active,
                ObjectState::Recycled(_) => State::Recycled,
                ObjectState::Gone(_) => State::Gone,
            },
            filtered: filtered(spec, &stored),
            link: links
                .get(&key)
                .map(|link| oracle::Link { target_id: link.target_id.clone(), managed: link.managed }),
            pending: touched.as_ref().is_none_or(|touched| touched.contains(&stored.id)),
            escrow: escrows.get(&key).cloned(),
            held_back: staged.contains(&key),
            left_over: since_everybody.as_ref().is_some_and(|touched| !touched.contains(&stored.id)),
            attributes: stored.attributes,
        };
        world.objects.insert(key, object);
    }
    Ok(world)
}

fn filtered(spec: &JobSpec, object: &StoredObject) -> Filtered {
    let filter = &spec.mapping(object.kind).scope;
    if filter.is_empty() {
        return Filtered::Passes;
    }
    let mut view = object.attributes.clone();
    let mut set =
        |name: &str, text: &str| view.insert(name.to_owned(), AttributeValue::Text(text.to_owned()));
    set("objectId", &object.id);
    if let Some(name) = object.text("userPrincipalName") {
        set("userPrincipalName", &shorten_guest_upn(name));
        if object.text("originalUserPrincipalName").is_none() {
            set("originalUserPrincipalName", name);
        }
    }
    match filter.evaluate(&view).verdict {
        FilterVerdict::Passed => Filtered::Passes,
        FilterVerdict::OutOfScope => Filtered::Fails,
        FilterVerdict::NotProcessed => Filtered::Ignored,
    }
}

fn history(job: &str, store: &Store) -> Result<History, StoreError> {
    let happened = store.happened()?;
    let mut history = History {
        joined: happened.joined,
        restored: happened.restored,
        purged: happened.purged,
        links_cleared: store.links_cleared(job)?,
        ..History::default()
    };
    for execution in store.executions(job, u32::MAX)? {
        let Ok(cycle) = u64::try_from(execution.cycle) else { continue };
        if execution.state.as_deref().is_some_and(|state| state != "Failed") {
            history.began.insert(cycle, execution.began);
        }
        history.ended.extend(execution.ended.map(|ended| (cycle, ended)));
        if execution.initial && execution.state.as_deref() != Some("Failed") {
            history.full_reads.insert(cycle);
        }
    }
    Ok(history)
}
