//! The gallery validation's tests that speak to the endpoint directly (`preflight.md 2.7`).

use std::collections::BTreeSet;

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value, json};

use super::attributes::{MANAGER, Values, body, plain};
use super::federated::issued;
use super::judge::{
    Check, SET_UP, Weight, canonical_types, is_advertised, joined, pages, resources, schemas_form, token_life,
};
use super::validator::{matching, verbose, without_manager};
use super::wire::{Said, Wire};
use crate::directory::object::ObjectKind::{self, Group, User};
use crate::engine::spec::JobSpec;
use crate::http::Method;
use crate::mapping::{AttributeDefinition, AttributeType, Mutability};
use crate::scim::path::TargetPath;
use crate::scim::query::collection_path;
use crate::scim::schemas::Schemas;
use crate::scim::{member, urn};

/// How tests of client credentials get their token.
#[derive(Debug, Clone)]
pub struct ClientCredentials {
    /// Where tokens are issued.
    pub token_endpoint: String,
    /// The client.
    pub id: String,
    /// Its secret.
    pub secret: SecretString,
    /// The scope that is asked for.
    pub scope: Option<String>,
}

/// Resources on a page of the pagination tests.
const PAGE: u64 = 5;
/// How many resources there have to be for them.
const LEAST: u64 = 11;
/// How many pages are read at most.
const PAGES_MAX: usize = 10;
/// How many resources they make at most.
const MADE_MAX: u64 = 11;

/// The endpoint and the values of a run.
pub(super) struct Direct<'r> {
    pub(super) wire: &'r mut Wire,
    pub(super) values: &'r mut Values,
    pub(super) spec: &'r JobSpec,
    pub(super) schemas: &'r Said,
    /// Whether each attribute gets an operation of its own.
    pub(super) verbose: bool,
    pub(super) credentials: Option<&'r ClientCredentials>,
}

type Checked = Result<Vec<Check>, Vec<Check>>;

impl Direct<'_> {
    /// The checks of the test of that number.
    pub(super) fn run(&mut self, id: &str) -> Vec<Check> {
        let checked = match id {
            "A15" => Ok(self.discoverability()),
            "A16" => self.null_update(),
            "A17" => Ok(self.create_user()),
            "A18" => self.update_user(),
            "A19" => Ok(self.create_group()),
            "A20" => self.update_group(),
            "A21" => self.client_credentials(),
            "A23" => Ok(self.pagination(User)),
            "A24" => Ok(self.pagination(Group)),
            "A25" => self.update_manager(),
            _ => Ok(Vec::new()),
        };
        checked.unwrap_or_else(|failed| failed)
    }

    /// The target attribute list of a kind, mapped or not.
    fn listed(&self, kind: ObjectKind) -> Vec<(TargetPath, &AttributeDefinition)> {
        let listed = self.spec.mapping(kind).target.attributes.iter();
        let parsed = listed.filter_map(|(name, definition)| {
            let is_tested = kind == Group || self.values.has(name) || definition.required;
            Some((TargetPath::parse(name).ok().filter(|_| is_tested)?, definition))
        });
        parsed.collect()
    }

    fn discoverability(&self) -> Vec<Check> {
        let action = "SCIM_Get_Schemas";
        let said = self.schemas;
        let mut checks = vec![said.answered(action, &[200], Weight::Both)];
        let found = !resources(&said.body).is_empty();
        let got = if found { "some" } else { "none" };
        checks.push(said.check(action, "schemas in `Resources`", got.to_owned(), found, Weight::Both));
        let Ok(schemas) = Schemas::parse(said.body.to_string().as_bytes()) else { return checks };
        let mut missing = Vec::new();
        for (kind, core) in [(User, urn::USER), (Group, urn::GROUP)] {
            if !self.spec.mapping(kind).enabled {
                continue;
            }
            let canonical = canonical_types(&said.body, core);
            let lacking = self.listed(kind).into_iter().filter(|(path, definition)| {
                !definition.anchor && !is_advertised(&schemas, &canonical, path, core)
            });
            let mapped = |path: &TargetPath| {
                self.spec.mapping(kind).attributes.iter().any(|mapping| mapping.target.same_place(path))
            };
            let lacking: Vec<String> = lacking
                .map(
                    |(path, _)| if mapped(&path) { path.to_string() } else { format!("{path} (not mapped)") },
                )
                .collect();
            if !lacking.is_empty() {
                missing.push(format!(
                    "missing {} attrs: {}",
                    kind.as_str().to_lowercase(),
                    lacking.join(", ")
                ));
            }
        }
        let action = "Compose_Schema_Discoverability_Summary";
        let holds = missing.is_empty();
        let expected = "every attribute of the target list";
        checks.push(said.check(action, expected, joined(&missing), holds, Weight::Both));
        let odd = schemas_form(&said.body);
        let expected = "a ListResponse without nulls, names in camelCase";
        checks.push(said.check(
            "SCIM_Get_Schemas",
            expected,
            joined(&odd),
            odd.is_empty(),
            Weight::Documented,
        ));
        checks
    }

    /// A user of the gallery validation: every attribute of the list that a body takes.
    fn user_body(&mut self, prefix: &str) -> (Value, String) {
        /// What bodies are given otherwise, or not at all.
        const LEFT_OUT: [&str; 5] = ["id", "userName", "active", "externalId", "manager"];
        let listed: Vec<TargetPath> = self
            .listed(User)
            .into_iter()
            .filter(|(_, definition)| definition.attribute_type != AttributeType::Reference)
            .map(|(path, _)| path)
            .filter(|path| !LEFT_OUT.contains(&path.as_str()))
            .collect();
        let name = self.values.user_name(prefix);
        let mut values = vec![(plain("userName"), json!(name)), (plain("active"), json!(true))];
        for path in listed {
            let value = self.values.direct(&path, self.values.set());
            values.push((path, value));
        }
        values.push((plain("externalId"), json!(self.values.guid().to_string())));
        let mut made = body(&values, &[urn::USER, urn::ENTERPRISE_USER]);
        first_is_primary(&mut made);
        (made, name)
    }

    fn made_user(&mut self, action: &str, prefix: &str) -> Result<(String, Said, String), Vec<Check>> {
        let (body, name) = self.user_body(prefix);
        let said = self.wire.make(User, &body);
        let created = said.answered(action, &[200, 201], Weight::Both);
        match said.id().map(str::to_owned).filter(|_| created.holds) {
            Some(id) => Ok((id, said, name)),
            None => Err(vec![Check { phase: SET_UP, ..created }]),
        }
    }

    fn create_user(&mut self) -> Vec<Check> {
        let action = "SCIM_Direct_Create_User";
        let (body, name) = self.user_body("lascuser");
        let said = self.wire.make(User, &body);
        created(&said, action, User, &name)
    }

    fn create_group(&mut self) -> Vec<Check> {
        let action = "SCIM_Direct_Create_Group";
        let (said, name) = self.made_group("LASCDirectGroup-");
        created(&said, action, Group, &name)
    }

    fn made_group(&mut self, prefix: &str) -> (Said, String) {
        let name = format!("{prefix}{}", self.values.hex(8));
        let body = json!({ "schemas": [urn::GROUP], "displayName": name, "externalId": self.values.guid().to_string() });
        (self.wire.make(Group, &body), name)
    }

    /// The two forms of direct updates (`preflight.md 2.3`).
    fn operations(&self, values: &[(TargetPath, Value)]) -> Vec<Value> {
        if self.verbose {
            return verbose("replace", values);
        }
        let (own, merged): (Vec<_>, Vec<_>) =
            values.iter().cloned().partition(|(path, _)| path.filter().is_some());
        let mut operations = verbose("replace", &own);
        let merged: Map<String, Value> =
            merged.into_iter().map(|(path, value)| (path.as_str().to_owned(), value)).collect();
        if !merged.is_empty() {
            operations.push(json!({ "op": "replace", "value": merged }));
        }
        operations
    }

    /// What of a list an update goes over (`preflight.md A18`).
    fn updatable(&self, kind: ObjectKind) -> Vec<TargetPath> {
        let fits = |(path, definition): &(TargetPath, &AttributeDefinition)| {
            let is_writable = matches!(definition.mutability, Mutability::ReadWrite | Mutability::WriteOnly);
            let kind = definition.attribute_type;
            !definition.anchor
                && !definition.multivalued
                && is_writable
                && !matches!(kind, AttributeType::Reference | AttributeType::Boolean | AttributeType::Binary)
                && !["id", "active", "schemas", "meta", "groups", "roles"].contains(&path.as_str())
        };
        self.listed(kind).into_iter().filter(fits).map(|(path, _)| path).collect()
    }

    fn update_user(&mut self) -> Checked {
        let (id, _, _) = self.made_user("SCIM_Update_Create_User", "lasupduser")?;
        let mut wanted = Vec::new();
        for path in self.updatable(User) {
            let value = match path.as_str() {
                "externalId" => json!(self.values.guid().to_string()),
                // Whatever target set 1 has no value for: no mail address, no phone number, no URL (X15).
                _ => Values::in_second_set(&path)
                    .unwrap_or_else(|| json!(format!("upd-{}", self.values.hex(8)))),
            };
            wanted.push((path, value));
        }
        let operations = self.operations(&wanted);
        Ok(self.updated(User, &id, &operations, &wanted, ["SCIM_Update_Patch_User", "SCIM_Update_Get_User"]))
    }

    fn update_group(&mut self) -> Checked {
        let (said, _) = self.made_group("LASUpdGroup-");
        let made = said.answered("SCIM_GroupUpdate_Create_Group", &[200, 201], Weight::Both);
        let Some(id) = said.id().map(str::to_owned).filter(|_| made.holds) else {
            return Err(vec![Check { phase: SET_UP, ..made }]);
        };
        let mut wanted = Vec::new();
        for path in self.updatable(Group) {
            wanted.push((path, json!(format!("upd-{}", self.values.hex(8)))));
        }
        let actions = ["SCIM_GroupUpdate_Patch_Group", "SCIM_GroupUpdate_Get_Group"];
        Ok(self.updated(Group, &id, &verbose("replace", &wanted), &wanted, actions))
    }

    fn updated(
        &mut self,
        kind: ObjectKind,
        id: &str,
        operations: &[Value],
        wanted: &[(TargetPath, Value)],
        [patch, get]: [&str; 2],
    ) -> Vec<Check> {
        let said = self.wire.patch(kind, id, operations);
        let mut checks = vec![said.answered(patch, &[200, 204], Weight::Both)];
        let read = self.wire.read(kind, id);
        checks.push(read.answered(get, &[200], Weight::Both));
        let (mut unseen, mut elsewhere) = (Vec::new(), Vec::new());
        for (path, value) in wanted {
            if path.read(&read.body) == Some(value) {
                continue;
            }
            let text = value.as_str().unwrap_or_default();
            // The official run is content with the text anywhere in the list.
            let list = path.filter().and_then(|_| member(&read.body, path.attribute()));
            let occurs = list.is_some_and(|list| list.to_string().contains(text));
            if occurs { elsewhere.push(path.to_string()) } else { unseen.push(path.to_string()) }
        }
        let total = wanted.len();
        let got = format!("Mismatches={} of {total}: {}", unseen.len(), unseen.join(", "));
        let got = if unseen.is_empty() { "all equal".to_owned() } else { got };
        checks.push(read.check(get, "every value as it was sent", got, unseen.is_empty(), Weight::Both));
        let holds = elsewhere.is_empty();
        let expected = "every value in the entry that it was sent for";
        checks.push(read.check(get, expected, joined(&elsewhere), holds, Weight::Documented));
        checks
    }

    fn null_update(&mut self) -> Checked {
        let (id, _, _) = self.made_user("SCIM_Create_Null_Test_User", "scnull")?;
        let before = self.wire.read(User, &id);
        let mut checks = vec![
            before.answered("SCIM_Get_User_Before_Null_Update", &[200], Weight::Both),
            self.schemas.answered("SCIM_Get_Schemas_For_Null_Test", &[200], Weight::Both),
        ];
        let schemas = Schemas::parse(self.schemas.body.to_string().as_bytes()).ok();
        let is_required = |path: &TargetPath| {
            let schema = schemas.as_ref()?.schema(path.extension().unwrap_or(urn::USER))?;
            Some(schema.attribute(path.attribute())?.part(path)?.required)
        };
        let definitions = &self.spec.mapping(User).target.attributes;
        let mapped = self.spec.mapping(User).attributes.iter().filter(|mapping| {
            let path = &mapping.target;
            let definition = definitions.get(path.as_str());
            mapping.matching_priority == 0
                && self.values.has(path.as_str())
                && definition.is_some_and(|it| it.attribute_type == AttributeType::String && !it.required)
                && !["userName", "active", "externalId", "roles"].contains(&path.as_str())
                && is_required(path) != Some(true)
        });
        let paths: Vec<TargetPath> = mapped.map(|mapping| mapping.target.clone()).collect();
        let phases = [
            ("Empty", json!(""), "SCIM_Patch_Null_Update", "SCIM_Get_User_After_Null_Update"),
            ("Null", Value::Null, "SCIM_Patch_Null_Update_Phase2", "SCIM_Get_User_After_Null_Phase2"),
        ];
        for (phase, value, patch, get) in phases {
            let values: Vec<_> = paths.iter().map(|path| (path.clone(), value.clone())).collect();
            let operations = self.operations(&values);
            let said = self.wire.patch(User, &id, &operations);
            let read = self.wire.read(User, &id);
            let is_clear = |held: Option<&Value>| match held {
                None | Some(Value::Null) => true,
                Some(held) => phase == "Empty" && held.as_str() == Some(""),
            };
            let (mut kept, mut unseen) = (Vec::new(), Vec::new());
            for path in paths.iter().filter(|path| !is_clear(path.read(&read.body))) {
                // The official run does not look at lists in the second phase.
                let list = if phase == "Null" && path.filter().is_some() { &mut unseen } else { &mut kept };
                list.push(path.to_string());
            }
            let got =
                if kept.is_empty() { "all cleared".to_owned() } else { format!("kept: {}", kept.join(", ")) };
            let more = [
                said.answered(patch, &[200, 204], Weight::Both),
                read.answered(get, &[200], Weight::Both),
                read.check(get, "every attribute cleared", got, kept.is_empty(), Weight::Both),
                read.check(get, "lists cleared too", joined(&unseen), unseen.is_empty(), Weight::Documented),
            ];
            checks.extend(more.map(|check| Check { phase, ..check }));
        }
        Ok(checks)
    }

    fn client_credentials(&mut self) -> Checked {
        let Some(client) = self.credentials else { return Ok(Vec::new()) };
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "client_credentials").append_pair("client_id", &client.id);
        form.append_pair("client_secret", client.secret.expose_secret());
        if let Some(scope) = &client.scope {
            form.append_pair("scope", scope);
        }
        let form = form.finish();
        let said = self.wire.ask_by_form(&client.token_endpoint, form);
        let (check, token) = issued(&said, "Acquire_OAuth2_Token");
        let mut checks = vec![check];
        let Some(token) = token else { return Err(checks) };
        let expires_in = member(&said.body, "expires_in");
        let life =
            expires_in.and_then(|it| it.as_u64().or_else(|| it.as_str()?.parse().ok())).unwrap_or(3600);
        let odd = token_life(life);
        let got = odd.clone().unwrap_or_else(|| format!("{life} seconds"));
        let expected = "a life of one hour to six";
        checks.push(said.check("Check_Token_Validity_Range", expected, got, odd.is_none(), Weight::AsRun));
        let read = self.wire.ask_as(&token, "Users?startIndex=1&count=1");
        checks.push(read.answered("SCIM_Validate_Get_Users", &[200], Weight::Both));
        Ok(checks)
    }

    fn pagination(&mut self, kind: ObjectKind) -> Vec<Check> {
        let collection = collection_path(kind);
        let page = |start: u64| format!("{collection}?startIndex={start}&count={PAGE}");
        let action = |what: &str| format!("SCIM_{}_Pagination_{what}", kind.as_str());
        let first = self.wire.ask(Method::Get, &page(1), None);
        let mut checks = vec![first.answered(&action("Check_Count"), &[200], Weight::Both)];
        let total = |said: &Said| member(&said.body, "totalResults").and_then(Value::as_u64).unwrap_or(0);
        let mut own = Vec::new();
        for _ in 0..LEAST.saturating_sub(total(&first)).min(MADE_MAX) {
            let said = match kind {
                User => {
                    let (body, _) = self.user_body("paguser");
                    self.wire.make(User, &body)
                }
                Group => self.made_group("LAPageGroup-").0,
            };
            match said.id() {
                Some(id) if said.is_success() => own.push(id.to_owned()),
                Some(_) | None => {
                    let expected = format!("{LEAST} resources to read in pages");
                    let got = format!("setup failed. Created={}: {}", own.len(), said.told());
                    let failed = said.check(&action("Create"), &expected, got, false, Weight::Both);
                    checks.push(Check { phase: SET_UP, ..failed });
                    return checks;
                }
            }
        }
        let (mut start, mut read) = (1, Vec::new());
        let mut said = first;
        while read.len() < PAGES_MAX {
            said = self.wire.ask(Method::Get, &page(start), None);
            let count = u64::try_from(resources(&said.body).len()).unwrap_or(u64::MAX);
            let echoed = member(&said.body, "startIndex").and_then(Value::as_u64).unwrap_or(start);
            read.push((start, said.status, said.body.clone()));
            let next = echoed.saturating_add(count);
            if count == 0 || next <= start || total(&said) < next {
                break;
            }
            start = start.saturating_add(PAGE);
        }
        // Of more resources than are read, our own may be further on.
        let is_whole = u64::try_from(PAGES_MAX).unwrap_or(u64::MAX) * PAGE >= total(&said);
        let (wrong, unseen) = pages(&read, if is_whole { &own } else { &[] });
        let name = format!("Filter_{}_Pagination_Failed_Pages", kind.as_str());
        let expected = "two pages or more, each with its `startIndex`";
        checks.push(said.check(&name, expected, joined(&wrong), wrong.is_empty(), Weight::Both));
        let expected = "every resource on one page";
        checks.push(said.check(
            &action("Get_Page"),
            expected,
            joined(&unseen),
            unseen.is_empty(),
            Weight::Documented,
        ));
        checks
    }

    fn update_manager(&mut self) -> Checked {
        let mut ids = Vec::new();
        for prefix in ["scmgr-user-", "scmgr-mgr-", "scmgr-mgr2-"] {
            ids.push(self.made_user("SCIM_Update_Manager_Create_User", prefix)?.0);
        }
        let [user, first, second] = ids.as_slice() else { return Ok(Vec::new()) };
        let mut checks = Vec::new();
        for (phase, op, id) in [("Add", "Add", first), ("Replace", "replace", second)] {
            let operation = json!({ "op": op, "path": MANAGER, "value": id });
            let said = self.wire.patch(User, user, &[operation]);
            let read = self.wire.read(User, user);
            let value = plain(MANAGER).read(&read.body).and_then(|it| member(it, "value"));
            let got = value.map_or_else(|| "none".to_owned(), ToString::to_string);
            let holds = value.and_then(Value::as_str) == Some(id);
            let more = [
                said.answered("SCIM_Update_Manager_Patch", &[200, 204], Weight::Both),
                read.check("SCIM_Update_Manager_Get", &format!("the manager {id}"), got, holds, Weight::Both),
            ];
            checks.extend(more.map(|check| Check { phase, ..check }));
        }
        let operation = json!({ "op": "replace", "path": MANAGER, "value": "" });
        let said = self.wire.patch(User, user, &[operation]);
        let read = self.wire.read(User, user);
        let more = [
            said.answered("SCIM_Update_Manager_Patch", &[200, 204], Weight::Both),
            without_manager(&read, "SCIM_Update_Manager_Get"),
        ];
        checks.extend(more.map(|check| Check { phase: "Remove", ..check }));
        Ok(checks)
    }
}

/// What an answer to a create has to be; 201 is what the RFC asks for, 200 is taken (X27).
fn created(said: &Said, action: &str, kind: ObjectKind, name: &str) -> Vec<Check> {
    let attribute = matching(kind);
    let held = member(&said.body, attribute).and_then(Value::as_str);
    let shown = |text: Option<&str>| text.map_or_else(|| "none".to_owned(), |text| format!("`{text}`"));
    vec![
        said.answered(action, &[200, 201], Weight::Both),
        said.answered(action, &[201], Weight::Remark),
        said.check(action, "an `id`", shown(said.id()), said.id().is_some(), Weight::Both),
        said.check(
            action,
            &format!("`{attribute}` as it was sent"),
            shown(held),
            held == Some(name),
            Weight::Both,
        ),
    ]
}

/// The first entry of each list is the primary one, as a JSON Boolean.
fn first_is_primary(resource: &mut Value) {
    let Some(members) = resource.as_object_mut() else { return };
    let lists: BTreeSet<&str> = BTreeSet::from(["emails", "addresses", "phoneNumbers", "roles"]);
    for (name, list) in members.iter_mut().filter(|(name, _)| lists.contains(name.as_str())) {
        let Some(first) = list.as_array_mut().and_then(|list| list.first_mut()?.as_object_mut()) else {
            continue;
        };
        first.insert("primary".to_owned(), json!(true));
        if name == "roles" {
            first.entry("type").or_insert_with(|| json!("primary"));
        }
    }
}
