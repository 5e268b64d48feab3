//! The comparison: what should be there against what is, and whose each difference is.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::attribute::read;
use super::model::{Flow, Key, Object, Rule as MappingRule, Settings, Source, State, World};
use super::verdict::{Difference, Finding, Report, Rule, Verdict};
use super::wanted::{Scope, Standing, Wanted, flows_later, has_matching_value, is_live, standing, wanted};
use super::wire::{
    Wire, failed, is_accepted, is_query, is_understood, is_write, resources, says, sent, shown, status,
};
use crate::client::Exchange;
use crate::clock::Timestamp;
use crate::directory::object::ObjectKind;

/// What is compared.
#[derive(Debug, Clone, Copy)]
pub struct Question<'q> {
    /// The rules of the job.
    pub settings: &'q Settings,
    /// The directory, and what the job knows.
    pub world: &'q World,
    /// What the app holds.
    pub held: &'q [(ObjectKind, Value)],
    /// Accounts that could not be read, by kind and id of the app: nothing is said of them.
    pub unread: &'q BTreeSet<(ObjectKind, String)>,
    /// The job's exchanges, in order; as many as there are.
    pub exchanges: &'q [Exchange],
    /// The tenant URL without a slash at its end.
    pub base_url: &'q str,
    /// The app was right before this exchange: what is wrong now began with it or later.
    pub since: usize,
    /// Job time.
    pub now: Timestamp,
}

/// Compares what the app should hold with what it holds.
pub fn compare(question: &Question<'_>) -> Report {
    let mut comparison = Comparison::new(question);
    for (key, object) in &question.world.objects {
        comparison.object(key, object);
    }
    comparison.strangers();
    comparison.report
}

/// An account by kind and id of the app.
pub(super) type Account<'q> = (ObjectKind, &'q str);

/// Whose a difference is, and why.
pub(super) struct Judgement {
    pub(super) verdict: Verdict,
    pub(super) guilty: Option<usize>,
    pub(super) why: String,
}

impl Judgement {
    pub(super) fn app(guilty: Option<usize>, why: &str) -> Self {
        Self { verdict: Verdict::App, guilty, why: why.to_owned() }
    }

    pub(super) fn rule(rule: Rule) -> Self {
        Self { verdict: Verdict::BlindSpot(rule), guilty: None, why: rule.says().to_owned() }
    }

    pub(super) fn ours(why: &str) -> Self {
        Self { verdict: Verdict::Ours, guilty: None, why: why.to_owned() }
    }
}

pub(super) struct Comparison<'q> {
    pub(super) question: &'q Question<'q>,
    scope: Scope<'q>,
    pub(super) wire: Wire<'q>,
    pub(super) held: BTreeMap<Account<'q>, &'q Value>,
    pub(super) owners: BTreeMap<Account<'q>, &'q Key>,
    pub(super) report: Report,
}

impl<'q> Comparison<'q> {
    fn new(question: &'q Question<'q>) -> Self {
        let held = question.held.iter().filter_map(|(kind, resource)| {
            Some(((*kind, resource.get("id").and_then(Value::as_str)?), resource))
        });
        let owners = question
            .world
            .objects
            .iter()
            .filter_map(|(key, object)| Some(((key.0, object.target_id()?), key)));
        Self {
            question,
            scope: Scope::new(question.settings, question.world),
            wire: Wire::new(question.exchanges, question.base_url, question.since),
            held: held.collect(),
            owners: owners.collect(),
            report: Report::default(),
        }
    }

    pub(super) fn find(
        &mut self,
        (key, label): (&Key, &str),
        target_id: Option<&str>,
        difference: Difference,
        Judgement { verdict, guilty, why }: Judgement,
    ) {
        self.report.findings.push(Finding {
            key: key.clone(),
            label: label.to_owned(),
            target_id: target_id.map(str::to_owned),
            difference,
            verdict,
            guilty,
            why,
        });
    }

    fn object(&mut self, key: &'q Key, object: &'q Object) {
        let Question { now, unread, .. } = *self.question;
        if object.target_id().is_some_and(|id| unread.contains(&(key.0, id.to_owned()))) {
            return;
        }
        let standing = standing(key, object, &self.scope);
        if object.pending && self.wire.failing(key).is_none() {
            if standing != Standing::Free {
                self.report.waiting.push(object.label.clone());
            }
            return;
        }
        let held = object.target_id().and_then(|id| self.held.get(&(key.0, id)).copied());
        let about = (key, object.label.as_str());
        match (standing, object.target_id(), held) {
            (Standing::Free, _, _) | (Standing::Absent, _, None) => {}
            (Standing::Absent, Some(id), Some(_)) => {
                let judgement = self.judge_orphan(key, object, id);
                self.find(about, Some(id), Difference::Orphan, judgement);
            }
            (_, None, _) => {
                let Some(wanted) = wanted(key, object, &self.scope, now) else { return };
                let judgement = self.judge_missing(key, object, has_matching_value(&wanted));
                self.find(about, None, Difference::Missing, judgement);
            }
            (Standing::Whole | Standing::Disabled, Some(id), None) => {
                let judgement = self.judge_lost((key.0, id));
                self.find(about, Some(id), Difference::Missing, judgement);
            }
            (Standing::Whole | Standing::Disabled, Some(id), Some(resource)) => {
                self.count(key.0);
                self.values(key, object, id, resource, standing);
                // Nobody looks at the manager of somebody in the recycle bin (inferred).
                if standing == Standing::Whole && object.state == State::Active {
                    self.references(key, object, id, resource);
                }
            }
        }
    }

    fn count(&mut self, kind: ObjectKind) {
        let compared = &mut self.report.compared;
        let count = match kind {
            ObjectKind::User => &mut compared.users,
            ObjectKind::Group => &mut compared.groups,
        };
        *count = count.saturating_add(1);
    }

    fn values(&mut self, key: &'q Key, object: &'q Object, id: &str, resource: &Value, standing: Standing) {
        let Question { settings, now, .. } = *self.question;
        let Some(all) = wanted(key, object, &self.scope, now) else { return };
        let about = (key, object.label.as_str());
        if standing == Standing::Disabled && !settings.kind(key.0).reads_soft_deleted() {
            if read(resource, "active").is_some_and(|held| held == ["True"]) {
                let rule = if settings.skip_out_of_scope {
                    Rule::SkipOutOfScopeDeletions
                } else {
                    Rule::SoftDeleteNotMapped
                };
                let difference = drifted("active", &["False".to_owned()], &["True".to_owned()]);
                self.find(about, Some(id), difference, Judgement::rule(rule));
            }
            return;
        }
        for (rule, wanted) in all {
            if !rule.returned || (standing == Standing::Disabled && !rule.reads_soft_deleted()) {
                continue;
            }
            let Some(held) = read(resource, &rule.path) else { continue };
            let (values, is_default) = match wanted {
                Wanted::Unknown => continue,
                Wanted::Values(values) => (values, false),
                // What fills a gap never overwrites.
                Wanted::Default(_) if matches!(rule.source, Source::None) && !held.is_empty() => continue,
                Wanted::Default(value) => (vec![value], true),
                Wanted::Empty => (Vec::new(), false),
            };
            self.report.compared.values = self.report.compared.values.saturating_add(1);
            let judgement = if values.is_empty() {
                if held.is_empty() {
                    continue;
                }
                self.judge_emptied((key.0, id), rule)
            } else {
                if rule.is_same(&values, &held) {
                    continue;
                }
                let same = |said: &[String]| rule.is_same(&values, said);
                let told = self.judge_told((key, object), (key.0, id), &rule.path, &same);
                Some(told.unwrap_or_else(|| self.judge_untold(key, object, rule, is_default)))
            };
            if let Some(judgement) = judgement {
                self.find(about, Some(id), drifted(&rule.path, &values, &held), judgement);
            }
        }
    }

    /// Whose it is, as far as the requests say: the app was told, or was seen to hold it, or refused. `None` when it
    /// never was told so.
    pub(super) fn judge_told(
        &self,
        (key, object): (&Key, &Object),
        account: Account<'_>,
        path: &str,
        same: &dyn Fn(&[String]) -> bool,
    ) -> Option<Judgement> {
        let since = self.question.since;
        let (mut told, mut right, mut refused): (Option<(usize, bool)>, Option<usize>, Option<usize>) =
            (None, None, None);
        // A read that shows what was there before a change which the app said yes to, and has done.
        let (mut is_done, mut behind) = (false, None);
        let held = self.held.get(&account).and_then(|resource| read(resource, path));
        for (at, exchange) in self.wire.about(account.0, account.1) {
            if is_write(exchange)
                && let Some(said) = says(exchange, path)
            {
                if is_accepted(exchange) {
                    is_done = held.as_ref() == Some(&said);
                    (told, right, refused, behind) = (Some((at, same(&said))), None, None, None);
                } else if same(&said) {
                    refused = refused.filter(|first| since <= *first).or(Some(at));
                }
            }
            // The answer to a write may only echo it.
            let shown = shown(exchange, account.1).and_then(|resource| read(resource, path));
            if !is_write(exchange) && shown.is_some_and(|shown| same(&shown)) {
                right = Some(at);
                behind = behind.or(Some(at).filter(|_| is_done));
            }
        }
        if let (Some(at), None) = (behind, refused) {
            return Some(Judgement::app(
                Some(at),
                "its answer shows what there was before a change that it has done",
            ));
        }
        let touches = |exchange: &Exchange| says(exchange, path).is_some();
        match (told, right, refused) {
            (_, _, Some(at)) => Some(match self.spared(key, object) {
                // It would have been asked again.
                Some(rule) => Judgement::rule(rule),
                None => self.judge_failed(at, "it refused the change"),
            }),
            (Some((at, true)), None, None) if since <= at => {
                Some(Judgement::app(Some(at), "it said yes to the change, and holds something else"))
            }
            (Some((_, true)), right, None) | (Some((_, false)) | None, right @ Some(_), None) => {
                let from = right.map_or(since, |right| since.max(right.saturating_add(1)));
                let guilty = self.wire.first_write(account, from, touches);
                Some(Judgement::app(
                    guilty,
                    match guilty {
                        Some(_) => "it was right until this request, which asked for nothing of the kind",
                        None => "it was right, and changed without a request of this job",
                    },
                ))
            }
            (Some((_, false)) | None, None, None) => None,
        }
    }

    /// The app did not do what this request asks for.
    pub(super) fn judge_failed(&self, at: usize, refused: &str) -> Judgement {
        let why = self.wire.at(at).map_or_else(|| refused.to_owned(), |exchange| failed(exchange, refused));
        Judgement::app(Some(at), &why)
    }

    fn judge_emptied(&self, account: Account<'_>, rule: &MappingRule) -> Option<Judgement> {
        let told = self.wire.about(account.0, account.1).filter(|(_, exchange)| is_accepted(exchange));
        let told = told.filter_map(|(at, exchange)| Some((at, says(exchange, &rule.path)?))).last();
        match told {
            Some((at, said)) if said.is_empty() => {
                Some(Judgement::app(Some(at), "it said yes to the removal, and holds it still"))
            }
            // A value that an app gives an account by itself is nobody's business.
            None if self.wire.born(account.0, account.1).is_some() => None,
            Some(_) | None => Some(Judgement::rule(Rule::NullNeverCleared)),
        }
    }

    /// An attribute is not what it should be, and the app was never told.
    fn judge_untold(&self, key: &Key, object: &Object, rule: &MappingRule, is_default: bool) -> Judgement {
        if let Some(spared) = self.spared(key, object) {
            return Judgement::rule(spared);
        }
        if is_default {
            return Judgement::rule(Rule::DefaultOnCreate);
        }
        if !flows_later(rule) {
            return Judgement::rule(match rule.flow {
                Flow::OnCreate => Rule::FlowOnCreate,
                Flow::Always | Flow::Adds => Rule::FlowAdds,
            });
        }
        self.judge_silence(key, object)
    }

    /// Nothing was sent that should have been.
    pub(super) fn judge_silence(&self, key: &Key, object: &Object) -> Judgement {
        if let Some(at) = self.wire.failing(key) {
            return self.judge_failed(at, "it failed this request");
        }
        if let Some(reason) = &object.escrow {
            return Judgement { why: reason.clone(), ..Judgement::rule(Rule::NotExported) };
        }
        let account = object.target_id().map(|id| self.wire.about(key.0, id).next());
        if let Some(None) = account {
            return Judgement::app(None, "the journal does not reach back to a request about it");
        }
        Judgement::ours("nothing was sent, and no rule says why")
    }

    /// The rule by which nothing is sent about a linked object.
    pub(super) fn spared(&self, key: &Key, object: &Object) -> Option<Rule> {
        let settings = self.question.settings;
        let in_scope = self.scope.holds(key, object);
        let covered = !in_scope || (settings.covers_soft_delete && !is_live(object));
        if object.held_back {
            Some(Rule::HeldBack)
        } else if object.left_over && !in_scope {
            Some(Rule::ScopeNarrowed)
        } else if settings.skip_out_of_scope && covered && object.state != State::Gone {
            Some(Rule::SkipOutOfScopeDeletions)
        } else if !settings.kind(key.0).update {
            Some(Rule::ActionOff)
        } else {
            None
        }
    }

    /// There should be an account, and the job knows of none.
    fn judge_missing(&self, key: &Key, object: &Object, has_matching_value: bool) -> Judgement {
        let last = self.wire.for_object(key).next_back();
        if let Some(at) = self.wire.failing(key) {
            return self.judge_failed(at, "it failed this request");
        }
        if let Some((at, exchange)) = last
            && is_query(exchange)
            && 1 < resources(exchange).len()
        {
            return Judgement::app(Some(at), "it has several accounts that match");
        }
        if !has_matching_value {
            return Judgement::rule(Rule::NoMatchingValue);
        }
        if !self.question.settings.kind(key.0).create {
            return Judgement::rule(Rule::ActionOff);
        }
        self.judge_silence(key, object)
    }

    /// The job has an account that the app does not have.
    fn judge_lost(&self, account: Account<'_>) -> Judgement {
        let all: Vec<_> = self.wire.about(account.0, account.1).collect();
        let removed = all.iter().rev().find(|(_, exchange)| exchange.request.method == "DELETE");
        if let Some((at, exchange)) = removed
            && is_accepted(exchange)
        {
            return Judgement { guilty: Some(*at), ..Judgement::ours("this request removed it") };
        }
        let seen = all
            .iter()
            .rev()
            .find(|(_, exchange)| exchange.request.method == "GET" && shown(exchange, account.1).is_some());
        let since = self.question.since;
        let born = self.wire.born(account.0, account.1).filter(|at| since <= *at);
        if let (None, Some(at)) = (seen, born) {
            return Judgement::app(Some(at), "it said yes to the create, and does not have it");
        }
        let from = seen.map_or(since, |(at, _)| since.max(at.saturating_add(1)));
        let guilty = self.wire.first_write(account, from, |_| true);
        Judgement::app(
            guilty,
            match guilty {
                Some(_) => "it had the account until this request",
                None => "it had the account, and lost it without a request of this job",
            },
        )
    }

    /// The app has an account that should be gone.
    fn judge_orphan(&self, key: &Key, object: &Object, id: &str) -> Judgement {
        let deletes =
            || self.wire.about(key.0, id).filter(|(_, exchange)| exchange.request.method == "DELETE");
        if let Some((at, _)) = deletes().find(|(_, exchange)| is_accepted(exchange)) {
            return Judgement::app(Some(at), "it said yes to the deletion, and has it still");
        }
        if let Some((at, _)) = deletes().next() {
            return self.judge_failed(at, "it refused the deletion");
        }
        let settings = self.question.settings;
        let kind = settings.kind(key.0);
        let is_gone = object.state == State::Gone;
        let managed = object.link.as_ref().is_some_and(|link| link.managed);
        let rule = if object.held_back {
            Some(Rule::HeldBack)
        } else if object.left_over && !is_gone {
            Some(Rule::ScopeNarrowed)
        } else if !is_gone && settings.skip_out_of_scope {
            Some(Rule::SkipOutOfScopeDeletions)
        } else if !is_gone && key.0 == ObjectKind::Group && settings.keeps_groups {
            Some(Rule::GroupKept)
        } else if !kind.delete {
            Some(Rule::ActionOff)
        } else if !managed {
            Some(Rule::DeletedOutOfScope)
        } else if is_gone && self.gone_before_full_read(key) {
            Some(Rule::DeletedBeforeFullRead)
        } else {
            None
        };
        rule.map_or_else(|| self.judge_silence(key, object), Judgement::rule)
    }

    /// Whether the first cycle after somebody was deleted for good was a full read, which can not see it.
    fn gone_before_full_read(&self, key: &Key) -> bool {
        let history = &self.question.world.history;
        let Some(purged) = history.purged.get(key) else { return false };
        // Of those that began at that very moment, any may have been the first.
        let at_once = history.began.iter().filter(|(_, began)| *began == purged);
        let later = history.began.iter().find(|(_, began)| purged < *began);
        at_once.chain(later).any(|(cycle, _)| history.full_reads.contains(cycle))
    }

    /// Accounts that no object of the directory is linked to.
    fn strangers(&mut self) {
        let unowned: Vec<_> = self
            .held
            .iter()
            .filter(|(account, _)| !self.owners.contains_key(*account))
            .map(|(a, r)| (*a, *r))
            .collect();
        for (account, resource) in unowned {
            match self.judge_stranger(account, resource) {
                Some((key, judgement)) => {
                    let label =
                        self.question.world.objects.get(&key).map_or("", |object| object.label.as_str());
                    self.find((&key, label), Some(account.1), Difference::Orphan, judgement);
                }
                None => self.report.strangers.push((account.0, account.1.to_owned())),
            }
        }
    }

    fn judge_stranger(&self, account: Account<'q>, resource: &'q Value) -> Option<(Key, Judgement)> {
        let born = self.wire.born(account.0, account.1);
        let mut deleted = self
            .wire
            .about(account.0, account.1)
            .filter(|(_, exchange)| exchange.request.method == "DELETE" && is_accepted(exchange));
        if let Some((at, exchange)) = deleted.next_back()
            && born.is_none_or(|born| born < at)
        {
            let why = "it said yes to the deletion, and has it still";
            return Some((source(exchange)?, Judgement::app(Some(at), why)));
        }
        if let Some(at) = born {
            return self.judge_forgotten(account, resource, at);
        }
        let twin = self.owners.iter().find(|(owned, _)| {
            owned.0 == account.0
                && self.held.get(*owned).is_some_and(|other| self.match_alike(account.0, other, resource))
        });
        let unanswered = self.question.exchanges.iter().enumerate().find(|(_, exchange)| {
            let kind = exchange.about.object.as_ref().map(|object| object.kind);
            exchange.request.method == "POST"
                && kind == Some(account.0)
                && (status(exchange).is_none_or(|status| 500 <= status)
                    || is_accepted(exchange) && !is_understood(exchange))
                && sent(exchange).is_some_and(|body| self.match_alike(account.0, body, resource))
        });
        if let Some((at, exchange)) = unanswered {
            let key = source(exchange)?;
            let object = self.question.world.objects.get(&key)?;
            if object.pending || object.link.is_none() {
                return Some((key, Judgement::app(Some(at), "it created an account and did not say so")));
            }
            return self.judge_forgotten(account, resource, at).map(|(key, judgement)| {
                match judgement.verdict {
                    Verdict::Ours if !self.question.settings.recovers_creates => {
                        (key, Judgement::rule(Rule::LostAnswer))
                    }
                    Verdict::Ours | Verdict::App | Verdict::BlindSpot(_) => (key, judgement),
                }
            });
        }
        let (owned, key) = twin?;
        let rules = &self.question.settings.kind(account.0).rules;
        let naming: Vec<_> = rules
            .iter()
            .filter(|rule| rule.matching || rule.reads_soft_deleted())
            .map(|rule| &rule.path)
            .collect();
        // What makes an account, gives it its name, or brings it back; no other request has one made.
        let makes = |exchange: &Exchange| naming.iter().any(|path| says(exchange, path).is_some());
        let guilty = self.wire.first_write_that(*owned, self.question.since, makes);
        Some(((*key).clone(), Judgement::app(guilty, "it holds a second account of the same name")))
    }

    /// An account that this job made and knows no more: because the app did not find it when it was asked.
    fn judge_forgotten(
        &self,
        account: Account<'_>,
        resource: &Value,
        born: usize,
    ) -> Option<(Key, Judgement)> {
        let key = source(self.wire.at(born)?)?;
        let names = self.matching_values(account.0, resource);
        let denied = self.wire.for_object(&key).find(|(at, exchange)| {
            let url = percent_encoding::percent_decode_str(&exchange.request.url)
                .decode_utf8_lossy()
                .to_lowercase();
            let by_id = status(exchange) == Some(404) && url.ends_with(&account.1.to_lowercase());
            let by_name = is_query(exchange)
                && is_accepted(exchange)
                && shown(exchange, account.1).is_none()
                && names.iter().any(|name| url.contains(&name.to_lowercase()));
            born < *at && (by_id || by_name)
        });
        let judgement = match denied {
            Some((at, _)) => Judgement::app(Some(at), "it has the account and did not find it"),
            None => match self.question.world.objects.get(&key) {
                Some(object) if object.link.is_some() && !self.is_before_clearing(born) => Judgement {
                    guilty: Some(born),
                    ..Judgement::ours("the account was made a second time unasked")
                },
                Some(object) if object.state == State::Gone => Judgement::rule(Rule::DeletedBeforeFullRead),
                // The next full read finds it again.
                Some(object) if object.pending => return None,
                // Somebody who is in scope and has no other account is missing, which is told already.
                Some(object)
                    if self.is_before_clearing(born)
                        && (object.link.is_some() || !self.is_whole(&key, object)) =>
                {
                    Judgement::rule(Rule::LinksCleared)
                }
                Some(_) | None => return None,
            },
        };
        Some((key, judgement))
    }

    /// Whether all of an object should be in the app.
    pub(super) fn is_whole(&self, key: &Key, object: &Object) -> bool {
        standing(key, object, &self.scope) == Standing::Whole
    }

    /// Whether a restart has cleared the links since a request.
    pub(super) fn is_before_clearing(&self, at: usize) -> bool {
        let cleared = self.question.world.history.links_cleared;
        self.wire
            .at(at)
            .is_some_and(|exchange| cleared.is_some_and(|cleared| exchange.about.started <= cleared))
    }

    /// The values that accounts are looked up by.
    fn matching_values(&self, kind: ObjectKind, resource: &Value) -> Vec<String> {
        let rules = self.question.settings.kind(kind).rules.iter().filter(|rule| rule.matching);
        rules.flat_map(|rule| read(resource, &rule.path).unwrap_or_default()).collect()
    }

    fn match_alike(&self, kind: ObjectKind, a: &Value, b: &Value) -> bool {
        let other = self.matching_values(kind, b);
        self.matching_values(kind, a)
            .iter()
            .any(|a| other.iter().any(|b| a.to_lowercase() == b.to_lowercase()))
    }
}

/// On behalf of whom an exchange was.
fn source(exchange: &Exchange) -> Option<Key> {
    exchange.about.object.as_ref().map(|object| (object.kind, object.source_id.clone()))
}

/// What differs in an attribute.
pub(super) fn drifted(path: &str, wanted: &[String], held: &[String]) -> Difference {
    let text = |values: &[String]| (!values.is_empty()).then(|| values.join(", "));
    Difference::Drifted { path: path.to_owned(), wanted: text(wanted), held: text(held) }
}
