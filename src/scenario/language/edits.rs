//! Edits: what a step changes in the directory.

use std::collections::BTreeMap;
use std::ops::Range;

use toml::Spanned;

use super::{BOTH, Reader};
use crate::directory::object::{ObjectKind, derived_id};
use crate::directory::read::written;
use crate::expression::AttributeValue;
use crate::scenario::model::{Change, Edit, Named};
use crate::scenario::raw::{Free, RawEdit, Text};

/// The keys of which an edit has one.
const CHANGES: &str = "`add`, `set`, `clear`, `disable`, `enable`, `delete`, `restore`, `purge`, `assign`, `unassign`, \
                       `add_members` or `remove_members`";

impl Reader<'_> {
    /// The changes of one table; `None` when it is about nobody.
    pub(super) fn edit(&mut self, raw: Spanned<RawEdit>) -> Option<Vec<Edit>> {
        let span = raw.span();
        let mut raw = raw.into_inner();
        let Some(object) = self.named(raw.user.as_ref(), raw.group.as_ref()) else {
            if !self.is_told(&span) {
                let help = "write `user = \"…\"` or `group = \"…\"`".to_owned();
                self.error(&span, "the edit is about nobody", Some(help));
            }
            return None;
        };
        let name_span = raw.user.as_ref().or(raw.group.as_ref()).map_or_else(|| span.clone(), Spanned::span);
        self.no_contradictions(&raw);
        let given = raw.add.iter().chain(&raw.set).flatten().map(|(name, _)| name);
        for name in given.chain(raw.clear.iter().flatten()) {
            self.must_be_spelt(object.kind, name);
        }
        let mut changes = Vec::new();
        match raw.add.take() {
            Some(attributes) => changes.push(self.addition(&object, attributes, &name_span)),
            None => self.must_be_known(&[object.kind], &object.name, &name_span),
        }
        changes.extend(self.attributes(&object, &mut raw));
        let role = raw.role.as_ref().map(|role| role.get_ref().clone());
        let flags = [
            (raw.delete, Change::Delete),
            (raw.restore, Change::Restore),
            (raw.purge, Change::Purge),
            (raw.assign, Change::Assign { role: role.clone(), present: true }),
            (raw.unassign, Change::Assign { role, present: false }),
        ];
        for (flag, change) in flags {
            if self.flag(flag.as_ref()) {
                changes.push(change);
            }
        }
        if let Some(role) = &raw.role
            && !self.roles.contains(role.get_ref())
        {
            let finding = self.no_role(role.get_ref()).at(self.source.place(&role.span()));
            self.findings.push(finding);
        }
        for (names, present) in [(raw.add_members, true), (raw.remove_members, false)] {
            let Some(names) = names else { continue };
            if object.kind == ObjectKind::User {
                self.error(&name_span, "a user has no members; name the `group`", None);
            }
            for name in &names {
                self.must_be_known(BOTH, name.get_ref(), &name.span());
            }
            let names = names.into_iter().map(Spanned::into_inner).collect();
            changes.push(Change::Members { names, present });
        }
        if changes.is_empty() && !self.is_told(&span) {
            self.error(&span, "the edit changes nothing", Some(format!("it needs {CHANGES}")));
        }
        let place = self.source.place(&name_span);
        let edit = |change| Edit { place: place.clone(), object: object.clone(), change };
        Some(changes.into_iter().map(edit).collect())
    }

    /// Reports what one table can't say, since its changes have no order.
    fn no_contradictions(&mut self, raw: &RawEdit) {
        let pairs = [
            (("disable", &raw.disable), ("enable", &raw.enable)),
            (("delete", &raw.delete), ("restore", &raw.restore)),
            (("restore", &raw.restore), ("purge", &raw.purge)),
            (("assign", &raw.assign), ("unassign", &raw.unassign)),
        ];
        for ((one, first), (other, second)) in pairs {
            let (Some(first), Some(second)) = (first, second) else { continue };
            let later = if first.span().start < second.span().start { second } else { first };
            self.contradiction(&later.span(), &format!("`{one}` and `{other}`"));
        }
        for name in raw.clear.iter().flatten() {
            let is_set = |key: &Spanned<String>| key.get_ref().eq_ignore_ascii_case(name.get_ref());
            if raw.set.iter().chain(&raw.add).flatten().any(|(key, _)| is_set(key)) {
                self.contradiction(&name.span(), &format!("a value and none for `{}`", name.get_ref()));
            }
        }
        for name in raw.remove_members.iter().flatten() {
            let is_same = |other: &&Text| other.get_ref().to_lowercase() == name.get_ref().to_lowercase();
            if raw.add_members.iter().flatten().any(|other| is_same(&other)) {
                self.contradiction(&name.span(), &format!("`{}` in and out of the group", name.get_ref()));
            }
        }
    }

    fn contradiction(&mut self, span: &Range<usize>, what: &str) {
        let help = "where one comes after the other, write a table for each: `edit = [{ … }, { … }]`";
        self.error(span, format!("one edit can't have {what}"), Some(help.to_owned()));
    }

    /// Whether a flag is set. One that says `false` is a mistake, since its contrary has a key of its own.
    fn flag(&mut self, flag: Option<&Spanned<bool>>) -> bool {
        let Some(flag) = flag else { return false };
        if !flag.get_ref() {
            self.error(&flag.span(), "this is `true`, or left out", None);
        }
        *flag.get_ref()
    }

    fn addition(
        &mut self,
        object: &Named,
        attributes: BTreeMap<Spanned<String>, Free>,
        name_span: &Range<usize>,
    ) -> Change {
        let (mut id, mut rest) = (None, BTreeMap::new());
        for (key, value) in attributes {
            if !key.get_ref().eq_ignore_ascii_case("objectId") {
                rest.insert(key, value);
                continue;
            }
            match value.get_ref().as_str() {
                Some(text) if !text.is_empty() => id = Some(text.to_owned()),
                _ => self.error(&value.span(), "an `objectId` is a text that is not empty", None),
            }
        }
        let id = id.unwrap_or_else(|| derived_id(object.kind, &object.name));
        if self.names.has(object.kind, &id) {
            let help = "whoever comes after another one of that name needs an `objectId`: `add = { objectId = \"…\" }`";
            self.error(name_span, format!("`{}` has been there before", object.name), Some(help.to_owned()));
        }
        let mut wanted = self.values(rest);
        let (own, default) = match object.kind {
            ObjectKind::User => ("userPrincipalName", "accountEnabled"),
            ObjectKind::Group => ("displayName", "securityEnabled"),
        };
        wanted.insert(own.to_owned(), Some(AttributeValue::Text(object.name.clone())));
        wanted.entry(default.to_owned()).or_insert_with(|| Some(AttributeValue::Text("True".to_owned())));
        self.names.add(object.kind, &object.name);
        self.names.add(object.kind, &id);
        let attributes = wanted.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        Change::Add { id, attributes }
    }

    /// What `set`, `clear`, `disable` and `enable` come to.
    fn attributes(&mut self, object: &Named, raw: &mut RawEdit) -> Option<Change> {
        let mut wanted = self.values(raw.set.take().unwrap_or_default());
        for name in raw.clear.take().unwrap_or_default() {
            if let Some((name, _)) = self.value(name.get_ref(), Vec::new(), &name.span()) {
                wanted.insert(name, None);
            }
        }
        for (flag, value) in [(raw.disable.take(), "False"), (raw.enable.take(), "True")] {
            let Some(flag) = flag else { continue };
            if object.kind == ObjectKind::Group {
                self.error(&flag.span(), "only users can be disabled", None);
            }
            if self.flag(Some(&flag)) {
                wanted.insert("accountEnabled".to_owned(), Some(AttributeValue::Text(value.to_owned())));
            }
        }
        let own = match object.kind {
            ObjectKind::User => "userPrincipalName",
            ObjectKind::Group => "displayName",
        };
        if let Some(Some(AttributeValue::Text(name))) = wanted.get(own) {
            let name = name.clone();
            self.names.add(object.kind, &name);
        }
        (!wanted.is_empty()).then_some(Change::Set(wanted))
    }

    fn values(&mut self, table: BTreeMap<Spanned<String>, Free>) -> BTreeMap<String, Option<AttributeValue>> {
        let mut wanted = BTreeMap::new();
        for (key, value) in table {
            let one_or_many = value.get_ref();
            let items = one_or_many.as_array().map_or(std::slice::from_ref(one_or_many), Vec::as_slice);
            let texts: Option<Vec<String>> = items.iter().map(text_of).collect();
            let Some(texts) = texts else {
                let help = "a text, a boolean, a number, or a list of texts".to_owned();
                self.error(
                    &value.span(),
                    format!("`{}` is no value of an attribute", key.get_ref()),
                    Some(help),
                );
                continue;
            };
            if let Some((name, value)) = self.value(key.get_ref(), texts, &value.span()) {
                wanted.insert(name, value);
            }
        }
        wanted
    }

    /// An attribute as rows hold it, by the rules of the files.
    fn value(
        &mut self,
        name: &str,
        texts: Vec<String>,
        span: &Range<usize>,
    ) -> Option<(String, Option<AttributeValue>)> {
        match written(name, texts, &self.multi_valued) {
            Ok(attribute) => Some((attribute.name, attribute.value)),
            Err(error) => {
                self.error(span, error.message, error.help);
                None
            }
        }
    }
}

fn text_of(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Boolean(value) => Some(if *value { "True" } else { "False" }.to_owned()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Float(number) => Some(number.to_string()),
        toml::Value::Datetime(time) => Some(time.to_string()),
        toml::Value::Array(_) | toml::Value::Table(_) => None,
    }
}
