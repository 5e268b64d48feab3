//! The SCIM Validator's tests (`preflight.md 3`): straight HTTP, no engine.

use serde_json::{Value, json};

use super::attributes::{MANAGER, Values, body, plain};
use super::judge::{Check, SET_UP, Weight, differences, joined, list_assertions, repeated_types, unparsable};
use super::wire::{Said, Wire};
use crate::directory::object::ObjectKind::{self, Group, User};
use crate::http::Method;
use crate::scim::path::TargetPath;
use crate::scim::query::{collection_path, resource_path};
use crate::scim::{member, urn};

/// Characters of a filter value that stay as they are; the rest is escaped, as the validator does it.
const KEPT: &percent_encoding::AsciiSet =
    &percent_encoding::NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A resource that was created for a test, with what it was sent by path.
struct Fixture {
    id: String,
    name: String,
    sent: Vec<(TargetPath, Value)>,
    body: Value,
}

/// The endpoint and the values of a run.
pub(super) struct Validator<'r> {
    pub(super) wire: &'r mut Wire,
    pub(super) values: &'r mut Values,
}

type Checked = Result<Vec<Check>, Vec<Check>>;

impl Validator<'_> {
    /// The checks of the test of that number.
    pub(super) fn run(&mut self, id: &str) -> Vec<Check> {
        let checked = match id {
            "B1" => self.create(User),
            "B2" => self.duplicate(User),
            "B3" => self.filter(User, str::to_owned),
            "B4" => Ok(self.filter_for_nobody(User)),
            "B5" => self.filter(User, str::to_uppercase),
            "B6" => self.replace_all(),
            "B7" => self.rename_user(),
            "B8" => self.disable(),
            "B9" => self.manager("add"),
            "B10" => self.manager("replace"),
            "B11" => self.remove_manager(),
            "B12" => self.delete(User),
            "B25" => self.add_all(),
            "B13" => self.read_without_members(),
            "B14" => self.filter_without_members(),
            "B15" => self.filter(Group, str::to_owned),
            "B16" => Ok(self.filter_for_nobody(Group)),
            "B17" => self.filter(Group, str::to_lowercase),
            "B18" => self.create(Group),
            "B19" => self.duplicate(Group),
            "B20" => self.patch_group("externalId"),
            "B21" => self.patch_group("displayName"),
            "B22" => self.add_member(),
            "B23" => self.remove_member(),
            "B24" => self.delete(Group),
            "P1" => self.several_attributes(),
            "P2" => self.one_attribute(),
            "P3" => Ok(self.delete_nobody(User)),
            "P4" => self.delete_twice(User),
            "P5" => self.member_in_and_out(),
            "P6" => Ok(self.delete_nobody(Group)),
            "P7" => self.delete_twice(Group),
            _ => Ok(Vec::new()),
        };
        checked.unwrap_or_else(|failed| failed)
    }

    fn body(&mut self, kind: ObjectKind, prefix: &str) -> (Value, Vec<(TargetPath, Value)>) {
        if kind == User {
            return self.values.full_user(prefix);
        }
        let sent = vec![
            (plain("displayName"), json!(self.values.capitals())),
            (plain("externalId"), json!(self.values.guid().to_string())),
        ];
        (body(&sent, &[urn::GROUP]), sent)
    }

    /// Creates what a test needs; without it there is no test.
    fn fixture(&mut self, kind: ObjectKind, prefix: &str) -> Result<Fixture, Vec<Check>> {
        let (body, sent) = self.body(kind, prefix);
        let said = self.wire.make(kind, &body);
        let created = said.answered(&format!("POST /{}", collection_path(kind)), &[201], Weight::Both);
        let Some(id) = said.id().filter(|_| created.holds) else {
            return Err(vec![Check { phase: SET_UP, ..created }]);
        };
        let name = sent.first().and_then(|(_, name)| name.as_str()).unwrap_or_default().to_owned();
        Ok(Fixture { id: id.to_owned(), name, sent, body })
    }

    fn ask_by_name(&mut self, kind: ObjectKind, before: &str, name: &str) -> Said {
        let attribute = matching(kind);
        let value = percent_encoding::utf8_percent_encode(name, KEPT);
        let collection = collection_path(kind);
        // The validator sends the quotes raw; no URL has them so, and whatever server answers decodes both alike.
        let path = format!("{collection}?{before}filter={attribute}+eq+%22{value}%22");
        self.wire.ask(Method::Get, &path, None)
    }

    fn create(&mut self, kind: ObjectKind) -> Checked {
        let is_the_test = |check: Check| Check { phase: "", ..check };
        let made = self.fixture(kind, "");
        let made = made.map_err(|failed| failed.into_iter().map(is_the_test).collect::<Vec<_>>())?;
        let said = self.ask_by_name(kind, "", &made.name);
        let mut checks = lists(&said, kind, Some(&made.sent), false);
        let repeated: Vec<String> =
            super::judge::resources(&said.body).into_iter().flat_map(repeated_types).collect();
        let holds = repeated.is_empty();
        let expected = "no two entries of one type in an attribute, which are unsupported";
        checks.push(said.check("GET filter", expected, joined(&repeated), holds, Weight::Remark));
        Ok(checks)
    }

    fn duplicate(&mut self, kind: ObjectKind) -> Checked {
        let made = self.fixture(kind, "")?;
        let said = self.wire.make(kind, &made.body);
        Ok(vec![said.answered(&format!("POST /{}", collection_path(kind)), &[409], Weight::Both)])
    }

    fn filter(&mut self, kind: ObjectKind, spelt: impl Fn(&str) -> String) -> Checked {
        let made = self.fixture(kind, "")?;
        let said = self.ask_by_name(kind, "", &spelt(&made.name));
        Ok(lists(&said, kind, Some(&made.sent), false))
    }

    fn filter_for_nobody(&mut self, kind: ObjectKind) -> Vec<Check> {
        let name = format!("nonexistent{}_{}", self.values.hex(8), self.values.hex(8));
        let said = self.ask_by_name(kind, "", &name);
        lists(&said, kind, None, false)
    }

    /// A PATCH, its answer, and the resource afterwards.
    fn patched(
        &mut self,
        kind: ObjectKind,
        id: &str,
        operations: &[Value],
        wanted: &[(TargetPath, Value)],
    ) -> Vec<Check> {
        let said = self.wire.patch(kind, id, operations);
        let action = format!("PATCH /{}/Id", collection_path(kind));
        let mut checks = vec![said.answered(&action, &[200, 204], Weight::Both)];
        let path = resource_path(kind, id);
        let read = self.wire.read_until(&path, |said| differences(wanted, &said.body).is_empty());
        let different = differences(wanted, &read.body);
        let holds = different.is_empty() && read.is_success();
        let got = if read.is_success() { joined(&different) } else { read.told() };
        checks.push(read.check("GET by id", "every value as it was sent", got, holds, Weight::Both));
        if let Some(why) = unparsable(kind, &read.body) {
            checks.push(read.check("GET by id", &format!("a SCIM 2 core {kind}"), why, false, Weight::Both));
        }
        checks
    }

    fn replace_all(&mut self) -> Checked {
        let made = self.fixture(User, "")?;
        let wanted = self.values.validator();
        Ok(self.patched(User, &made.id, &verbose("replace", &wanted), &wanted))
    }

    fn add_all(&mut self) -> Checked {
        let sent = vec![(plain("userName"), json!(self.values.user_name("add")))];
        let said = self.wire.make(User, &body(&sent, &[urn::USER]));
        let created = said.answered("POST /Users", &[201], Weight::Both);
        let Some(id) = said.id().map(str::to_owned).filter(|_| created.holds) else {
            return Err(vec![Check { phase: SET_UP, ..created }]);
        };
        let wanted = self.values.validator();
        Ok(self.patched(User, &id, &verbose("add", &wanted), &wanted))
    }

    fn rename_user(&mut self) -> Checked {
        let made = self.fixture(User, "")?;
        let name = json!(self.values.user_name("renamed"));
        let operation = json!({ "op": "replace", "value": { "userName": name } });
        Ok(self.patched(User, &made.id, &[operation], &[(plain("userName"), name)]))
    }

    fn disable(&mut self) -> Checked {
        let made = self.fixture(User, "")?;
        let off = [(plain("active"), json!(false))];
        let operation = json!({ "op": "replace", "path": "active", "value": false });
        let mut checks = self.patched(User, &made.id, &[operation], &off);
        let said = self.ask_by_name(User, "", &made.name);
        checks.extend(lists(&said, User, Some(&off), false));
        Ok(checks)
    }

    fn manager(&mut self, op: &str) -> Checked {
        let made = self.fixture(User, "")?;
        let manager = json!(self.fixture(User, "")?.id);
        let operation = json!({ "op": op, "path": MANAGER, "value": { "value": manager } });
        let wanted = [(plain(&format!("{MANAGER}.value")), manager)];
        Ok(self.patched(User, &made.id, &[operation], &wanted))
    }

    fn remove_manager(&mut self) -> Checked {
        let made = self.fixture(User, "")?;
        let operation = json!({ "op": "replace", "path": MANAGER, "value": { "value": "" } });
        let said = self.wire.patch(User, &made.id, &[operation]);
        let mut checks = vec![said.answered("PATCH /Users/Id", &[200, 204], Weight::Both)];
        let read = self.wire.read(User, &made.id);
        checks.push(without_manager(&read, "GET by id"));
        Ok(checks)
    }

    fn delete(&mut self, kind: ObjectKind) -> Checked {
        let made = self.fixture(kind, "")?;
        let collection = collection_path(kind);
        let said = self.wire.delete(kind, &made.id);
        let mut checks =
            vec![said.answered(&format!("DELETE /{collection}/Id"), &[200, 202, 204], Weight::Both)];
        let gone = self.wire.read_until(&resource_path(kind, &made.id), |said| said.status == Some(404));
        checks.push(gone.answered(&format!("GET /{collection}/Id"), &[404], Weight::Both));
        Ok(checks)
    }

    fn delete_nobody(&mut self, kind: ObjectKind) -> Vec<Check> {
        let nobody = self.values.guid().to_string();
        let said = self.wire.delete(kind, &nobody);
        vec![said.answered(&format!("DELETE /{}/Id", collection_path(kind)), &[404], Weight::Both)]
    }

    fn delete_twice(&mut self, kind: ObjectKind) -> Checked {
        let made = self.fixture(kind, "")?;
        let action = format!("DELETE /{}/Id", collection_path(kind));
        let first = self.wire.delete(kind, &made.id);
        let second = self.wire.delete(kind, &made.id);
        Ok(vec![
            first.answered(&action, &[200, 202, 204], Weight::Both),
            second.answered(&action, &[404], Weight::Both),
        ])
    }

    /// A group with somebody in it, so that there is something to leave out.
    fn group_with_member(&mut self) -> Result<(Fixture, String), Vec<Check>> {
        let member = self.fixture(User, "member_")?.id;
        let group = self.fixture(Group, "")?;
        let said = self.set_members(&group.id, &[&member]);
        let filled = said.answered("PATCH /Groups/Id", &[200, 204], Weight::Both);
        if filled.holds { Ok((group, member)) } else { Err(vec![Check { phase: SET_UP, ..filled }]) }
    }

    fn set_members(&mut self, group: &str, members: &[&str]) -> Said {
        let value: Vec<Value> = members.iter().map(|id| json!({ "value": id })).collect();
        self.wire.patch(Group, group, &[json!({ "op": "replace", "path": "members", "value": value })])
    }

    fn read_without_members(&mut self) -> Checked {
        let (group, _) = self.group_with_member()?;
        let path = format!("{}?excludedAttributes=members", resource_path(Group, &group.id));
        let said = self.wire.ask(Method::Get, &path, None);
        let mut checks = vec![said.answered("GET /Groups/Id", &[200], Weight::Both)];
        let members = members_of(&said.body);
        let got = if members.is_empty() { "none".to_owned() } else { members.join(", ") };
        checks.push(said.check("GET /Groups/Id", "no `members`", got, members.is_empty(), Weight::Both));
        Ok(checks)
    }

    fn filter_without_members(&mut self) -> Checked {
        let (group, _) = self.group_with_member()?;
        let said = self.ask_by_name(Group, "excludedAttributes=members&", &group.name);
        Ok(lists(&said, Group, Some(&group.sent), true))
    }

    fn patch_group(&mut self, attribute: &str) -> Checked {
        let made = self.fixture(Group, "")?;
        let value = json!(if attribute == "externalId" {
            self.values.guid().to_string()
        } else {
            self.values.capitals()
        });
        let operation = json!({ "op": "replace", "value": { (attribute): value } });
        Ok(self.patched(Group, &made.id, &[operation], &[(plain(attribute), value)]))
    }

    fn members_are(&mut self, said: &Said, group: &str, wanted: &[&str]) -> Vec<Check> {
        let mut checks = vec![said.answered("PATCH /Groups/Id", &[200, 204], Weight::Both)];
        let path = resource_path(Group, group);
        let read = self.wire.read_until(&path, |said| members_of(&said.body) == wanted);
        let members = members_of(&read.body);
        let got = if members.is_empty() { "none".to_owned() } else { members.join(", ") };
        let expected = if wanted.is_empty() {
            "no members".to_owned()
        } else {
            format!("the members {}", wanted.join(", "))
        };
        // Whether the validator reads the group back is not known (PQ4): its verdict may be kinder.
        checks.push(read.check("GET /Groups/Id", &expected, got, members == wanted, Weight::Both));
        checks
    }

    fn add_member(&mut self) -> Checked {
        let group = self.fixture(Group, "")?;
        let member = self.fixture(User, "member_")?.id;
        let said = self.set_members(&group.id, &[&member]);
        Ok(self.members_are(&said, &group.id, &[&member]))
    }

    fn remove_member(&mut self) -> Checked {
        let group = self.fixture(Group, "")?;
        let leaves = self.fixture(User, "member_")?.id;
        let stays = self.fixture(User, "member_")?.id;
        let filled = self.set_members(&group.id, &[&leaves, &stays]);
        let filled = filled.answered("PATCH /Groups/Id", &[200, 204], Weight::Both);
        if !filled.holds {
            return Err(vec![Check { phase: SET_UP, ..filled }]);
        }
        let operation = json!({ "op": "remove", "path": format!("members[value eq \"{leaves}\"]") });
        let said = self.wire.patch(Group, &group.id, &[operation]);
        Ok(self.members_are(&said, &group.id, &[&stays]))
    }

    fn several_attributes(&mut self) -> Checked {
        let made = self.fixture(User, "")?;
        let (name, title) = (json!(self.values.capitals()), json!(self.values.capitals()));
        let operations = [
            json!({ "op": "add", "path": "displayName", "value": name }),
            json!({ "op": "replace", "path": "title", "value": title }),
        ];
        let wanted = [(plain("displayName"), name), (plain("title"), title)];
        Ok(self.patched(User, &made.id, &operations, &wanted))
    }

    fn one_attribute(&mut self) -> Checked {
        let made = self.fixture(User, "")?;
        let (first, last) = (self.values.guid().to_string(), json!(self.values.guid().to_string()));
        let operations = [
            json!({ "op": "remove", "path": "externalId" }),
            json!({ "op": "add", "path": "externalId", "value": first }),
            json!({ "op": "replace", "path": "externalId", "value": last }),
        ];
        Ok(self.patched(User, &made.id, &operations, &[(plain("externalId"), last)]))
    }

    fn member_in_and_out(&mut self) -> Checked {
        let group = self.fixture(Group, "")?;
        let member = self.fixture(User, "member_")?.id;
        let operations = [
            json!({ "op": "add", "path": "members", "value": [{ "value": member }] }),
            json!({ "op": "remove", "path": format!("members[value eq \"{member}\"]") }),
        ];
        let said = self.wire.patch(Group, &group.id, &operations);
        Ok(self.members_are(&said, &group.id, &[]))
    }
}

/// The attribute that names a resource.
pub(super) fn matching(kind: ObjectKind) -> &'static str {
    match kind {
        User => "userName",
        Group => "displayName",
    }
}

/// The ids of a group's members.
pub(super) fn members_of(group: &Value) -> Vec<&str> {
    let members = member(group, "members").and_then(Value::as_array).into_iter().flatten();
    members.filter_map(|it| member(it, "value")?.as_str()).collect()
}

/// No manager: absent, null, or with an empty value (PQ6).
pub(super) fn without_manager(read: &Said, action: &str) -> Check {
    let manager = plain(MANAGER).read(&read.body);
    let value = manager.and_then(|it| if it.is_object() { member(it, "value") } else { Some(it) });
    let is_gone = value.is_none_or(|it| it.is_null() || it.as_str() == Some(""));
    let got = match manager {
        _ if !read.is_success() => read.told(),
        Some(manager) => manager.to_string(),
        None => "none".to_owned(),
    };
    read.check(action, "no manager, or an empty one", got, is_gone && read.is_success(), Weight::Both)
}

/// One operation for each path.
pub(super) fn verbose(op: &str, values: &[(TargetPath, Value)]) -> Vec<Value> {
    values.iter().map(|(path, value)| json!({ "op": op, "path": path.as_str(), "value": value })).collect()
}

/// The assertions on a list.
fn lists(
    said: &Said,
    kind: ObjectKind,
    wanted: Option<&[(TargetPath, Value)]>,
    without_members: bool,
) -> Vec<Check> {
    let action = format!("GET /{} filter", collection_path(kind));
    if !said.is_success() {
        return vec![said.answered(&action, &[200], Weight::Both)];
    }
    let assertions = list_assertions(kind, said.status, &said.body, wanted, without_members);
    let checks = assertions.into_iter();
    checks.map(|(expected, got, holds)| said.check(&action, &expected, got, holds, Weight::Both)).collect()
}
