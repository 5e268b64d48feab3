//! What the engine knows and concludes about one object, without asking the target: for `explain` and for trying
//! expressions on a real user. The same code as in a cycle, so the two can't disagree.

use std::collections::BTreeMap;

use super::context::EngineError;
use super::decide::Decision;
use super::guard::takes_away;
use super::object::{Loaded, decision, evaluate, is_touched, load, source_view};
use super::spec::JobSpec;
use crate::clock::Timestamp;
use crate::directory::object::ObjectKind;
use crate::expression::AttributeValue;
use crate::mapping::{Evaluated, MappingError, Taken};
use crate::scim::query::{QueryError, match_query, read_path};
use crate::scope::{ScopeMode, Verdict};
use crate::store::{Escrow, Link, Store, StoredObject, WorkItem, WorkWindow};

/// One object as a job sees it.
#[derive(Debug, Clone)]
pub struct Inspection {
    /// The source object.
    pub object: StoredObject,
    /// Everything that its scope depends on.
    pub verdict: Verdict,
    /// Its account.
    pub link: Option<Link>,
    /// What failed and waits for its next try: the object itself, its references.
    pub escrows: Vec<Escrow>,
    /// The attributes as mappings see them, computed ones included.
    pub source: BTreeMap<String, AttributeValue>,
    /// What the mappings make of them.
    pub evaluated: Result<Evaluated, MappingError>,
    /// Whether the job provisions objects of this kind.
    pub kind_enabled: bool,
    /// Why the next cycle looks at it; `None`: it passes it over.
    pub work: Option<WorkItem>,
    /// Whether the next cycle reads everything.
    pub initial: bool,
    /// What is done about it when it is looked at.
    pub decision: Decision,
    /// The URLs asked first: the linked account, or one look-up for each matching attribute in turn.
    pub queries: Vec<Result<String, QueryError>>,
}

impl Inspection {
    /// Whether what is done about it deletes its account, or disables it for the first time.
    pub fn takes_away(&self) -> bool {
        takes_away(self.decision, self.link.as_ref())
    }
}

/// The attributes of an object as this job's mappings see them; `None` when the directory never had it.
pub fn source_attributes(
    spec: &JobSpec,
    store: &Store,
    kind: ObjectKind,
    id: &str,
) -> Result<Option<BTreeMap<String, AttributeValue>>, EngineError> {
    let loaded = load(spec, store, (kind, id), None)?;
    Ok(loaded.map(|Loaded { object, verdict, .. }| source_view(spec, &object, &verdict)))
}

/// Everything about an object at job time `now`, as the job's next cycle would find it if the source stays as it is;
/// `None` when the directory never had it. Only the scratch list of a cycle's work is written.
pub fn inspect(
    spec: &JobSpec,
    store: &mut Store,
    (kind, id): (ObjectKind, &str),
    now: Timestamp,
) -> Result<Option<Inspection>, EngineError> {
    let Some(loaded) = load(spec, store, (kind, id), None)? else { return Ok(None) };
    let job = store.job(&spec.name)?;
    let watermark =
        job.as_ref().filter(|job| job.definition == spec.definition).and_then(|job| job.watermark);
    let next_cycle = job.map_or(0, |job| job.cycle).saturating_add(1);
    let mut escrows = Vec::new();
    for is_reference in [false, true] {
        escrows.extend(store.escrow(&spec.name, kind, id, is_reference)?);
    }
    let source = source_view(spec, &loaded.object, &loaded.verdict);
    let evaluated = evaluate(spec, &loaded.object, &source, &Taken::new(), next_cycle, now);
    let matching = match &evaluated {
        Ok(Evaluated::Mapped(mapped)) => mapped.matching(),
        Ok(Evaluated::IgnoreObject { .. }) | Err(_) => Vec::new(),
    };
    let window = WorkWindow { after: watermark, until: store.last_seq()? };
    store.plan_work(&spec.name, spec.scope == ScopeMode::Assigned, window, now)?;
    let work = store.work_of(kind, id)?;
    let touched = work.as_ref().is_none_or(|work| is_touched(spec, work));
    let has_matching_value = evaluated.is_err() || !matching.is_empty();
    // An initial cycle says nothing about objects that it leaves alone; here somebody asks.
    let decision = decision(spec, &loaded, touched, has_matching_value, false);
    let Loaded { object, verdict, link } = loaded;
    let queries = match (&link, decision) {
        (_, Decision::Nothing | Decision::Skip(_) | Decision::Remove) => Vec::new(),
        (Some(link), _) => vec![Ok(format!("{}/{}", spec.base_url, read_path(kind, &link.target_id)))],
        (None, _) => matching
            .iter()
            .map(|(path, value)| {
                let query = match_query(kind, path, value, &spec.style)?;
                Ok(format!("{}/{query}", spec.base_url))
            })
            .collect(),
    };
    let kind_enabled = spec.mapping(kind).enabled;
    let initial = watermark.is_none();
    Ok(Some(Inspection {
        object,
        verdict,
        link,
        escrows,
        source,
        evaluated,
        kind_enabled,
        work,
        initial,
        decision,
        queries,
    }))
}
