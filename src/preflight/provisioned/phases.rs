//! What the target and the log have to show after each cycle.

use serde_json::Value;

use super::super::attributes::{MANAGER, plain};
use super::super::judge::{Check, Weight, differences, joined};
use super::super::wire::Said;
use super::{Nowhere, Object, PlayError, Provisioned};
use crate::directory::object::ObjectKind::{self, User};
use crate::engine::Purpose;
use crate::engine::entry::Action;
use crate::engine::on_demand::Choice;
use crate::scim::member;
use crate::scim::path::TargetPath;
use crate::scim::query::resource_path;

impl Provisioned<'_> {
    pub(super) fn second_phases(&mut self) -> Result<(), PlayError> {
        if let Some(object) = self.object("A2").filter(|_| self.is_open("A2")) {
            let checks = self.updated(&object)?;
            self.put("A2", "Update", checks);
        }
        if let Some(object) = self.object("A3").filter(|_| self.is_open("A3")) {
            let found = self.find(&object, |said| first_active(said) == Some(&Value::Bool(false)));
            let checks = [
                is_active(&found, false),
                self.logged(&object, &[Action::Disable], "Verify_Disable_Provisioning_Logs")?,
            ];
            self.put("A3", "Disable", checks);
        }
        if let Some(object) = self.object("A4").filter(|_| self.is_open("A4")) {
            let path = resource_path(User, object.target.as_deref().unwrap_or_default());
            let read = self.wire.read_until(&path, |said| said.status == Some(404));
            let found = self.find(&object, |said| said.found().is_empty());
            let gone = read.status == Some(404) || (found.is_success() && found.found().is_empty());
            let got = format!("GET by id: {}; filter: {} found", read.told(), found.found().len());
            let expected = "404, or nothing found by the filter";
            let checks = [
                read.answered("DeleteUser_Check_User_Deleted", &[404], Weight::AsRun),
                read.check("DeleteUser_Check_User_Deleted", expected, got, gone, Weight::Documented),
                self.logged(&object, &[Action::Delete], "DeleteUser_Verify_Delete_Provisioning_Logs")?,
            ];
            self.put("A4", "Delete", checks);
        }
        self.manager_seen("A5 initial", "Set Manager")?;
        if let Some(object) = self.object("A6").filter(|_| self.is_open("A6")) {
            let found = self.find(&object, |said| first_active(said) != Some(&Value::Bool(true)));
            let action = "RestoreUserTest_SCIM_Get_Deprovision";
            let gone = found.is_success() && found.found().is_empty();
            let off = is_active(&found, false);
            let either = found.check(
                action,
                "disabled, or gone",
                off.got.clone(),
                off.holds || gone,
                Weight::Documented,
            );
            let actions = [Action::Disable, Action::Delete];
            let checks = [
                Check { weight: Weight::AsRun, action: action.to_owned(), ..off },
                either,
                self.logged(&object, &actions, "RestoreUserTest_Get_Deprovision_Log")?,
            ];
            self.put("A6", "Deassign", checks);
        }
        if let Some(object) = self.object("A9").filter(|_| self.is_open("A9")) {
            let found = self.find(&object, |said| !said.found().is_empty());
            let held = !found.found().is_empty() && found.body.to_string().contains("-Modified");
            let got = if held { "found".to_owned() } else { found.told() + ", nothing found" };
            let name = "Update_Group_Query_Group_By_Id_After_Attributes_Update";
            let checks = [
                found.check(name, "the group under its new name", got, held, Weight::Both),
                self.logged(&object, &[Action::Update], "Update_Group_Verify_Update_Provisioning")?,
            ];
            self.put("A9", "Update", checks);
        }
        self.group_gone(
            "A10",
            "Delete",
            ["Delete_Step6_Check_Group_Exists_Final", "Delete_Group_Verify_Delete_Provisioning_Logs"],
        )?;
        self.group_gone(
            "A14",
            "Unassign",
            ["RestoreGroupTest_SCIM_Check_Gone", "RestoreGroupTest_Get_Delete_Log"],
        )?;
        for (test, who, wanted, phase) in
            [("A11", "A11 member", true, "Add Member"), ("A12", "A12 member", false, "Remove Member")]
        {
            let (Some(group), Some(user)) = (self.object(test), self.object(who)) else { continue };
            if self.is_open(test) {
                let found = self.find(&group, |said| !said.found().is_empty());
                let held = !found.found().is_empty();
                let got = if held { "found".to_owned() } else { found.told() };
                let checks = [
                    found.check("Query_Group_With_Members", "the group is found", got, held, Weight::Both),
                    self.has_member(&group, &user, wanted),
                    self.logged_property(&group, "members", "Verify_Update_Member_Provisioning_Logs")?,
                ];
                self.put(test, phase, checks);
            }
        }
        Ok(())
    }

    fn updated(&mut self, object: &Object) -> Result<Vec<Check>, PlayError> {
        let path = resource_path(User, object.target.as_deref().unwrap_or_default());
        let wanted = self.mapped(object)?;
        let name = |said: &Said| member(&said.body, "userName").and_then(Value::as_str).map(str::to_owned);
        let read = self.wire.read_until(&path, |said| name(said).as_deref() == Some(&object.name));
        let action = "Update_User_-_Query_User_By_Id_After_Attributes_Update";
        let got = name(&read).unwrap_or_else(|| read.told());
        let renamed = got == object.name;
        let mut checks =
            vec![read.check(action, &format!("userName {}", object.name), got, renamed, Weight::Both)];
        // The official run compares without letter case, and knows null and empty text as one.
        let lower = |values: &[(TargetPath, Value)]| -> Vec<(TargetPath, Value)> {
            let text = |value: &Value| value.as_str().map(str::to_lowercase).unwrap_or_default();
            values.iter().map(|(path, value)| (path.clone(), Value::String(text(value)))).collect()
        };
        let loosely = differences(&lower(&wanted), &lowered(&read.body));
        let count = loosely.len();
        let got = if count == 0 {
            joined(&loosely)
        } else {
            format!("Attribute mismatch: {count} attributes failed: {}", loosely.join("; "))
        };
        let summary = "Update_User_-_Attribute_Match_Summary";
        checks.push(read.check(summary, "every mapped value", got, count == 0, Weight::Both));
        let exactly = differences(&wanted, &read.body);
        let (got, holds) = (joined(&exactly), exactly.is_empty() || 0 < count);
        checks.push(read.check(
            summary,
            "every mapped value, letter for letter",
            got,
            holds,
            Weight::Documented,
        ));
        checks.push(self.logged(object, &[Action::Update], "Update_Verify_Update_Provisioning_Logs")?);
        Ok(checks)
    }

    fn manager_seen(&mut self, who: &str, phase: &'static str) -> Result<(), PlayError> {
        let (Some(object), Some(manager)) = (self.object("A5"), self.object(who)) else { return Ok(()) };
        if !self.is_open("A5") {
            return Ok(());
        }
        let id = manager.target.unwrap_or_default();
        let found = self.find(&object, |said| said.body.to_string().contains(&id));
        let path = format!("{MANAGER}.value");
        let first = found.found().into_iter().next();
        let held = first.and_then(|it| plain(&path).read(it));
        let got = held.map_or_else(|| "none".to_owned(), ToString::to_string);
        let seen = found.body.to_string().contains(&id);
        let exact = held.and_then(Value::as_str) == Some(&id);
        let action = "SCIM_Verify_Manager";
        let checks = [
            found.check(
                action,
                &format!("the manager's id {id} in the list"),
                got.clone(),
                seen,
                Weight::Both,
            ),
            found.check(action, "it is `manager.value`", got, exact, Weight::Documented),
            self.logged_property(&object, "manager", "Verify_Manager_Provisioning_Logs")?,
        ];
        self.put("A5", phase, checks);
        Ok(())
    }

    pub(super) fn manager_removed(&mut self) -> Result<(), PlayError> {
        let Some(object) = self.object("A5").filter(|_| self.is_open("A5")) else { return Ok(()) };
        let manager = |said: &Said| {
            let first = said.found().into_iter().next()?;
            let value = plain(&format!("{MANAGER}.value")).read(first)?.as_str()?;
            Some(value.to_owned()).filter(|value| !value.is_empty())
        };
        let found = self.find(&object, |said| manager(said).is_none());
        let held = manager(&found);
        let got = held.clone().unwrap_or_else(|| "none".to_owned());
        let holds = held.is_none() && found.is_success();
        let checks = [
            found.check("SCIM_Verify_Manager_Remove", "no manager any more", got, holds, Weight::Both),
            self.logged_property(&object, "manager", "Verify_Remove_Manager_Provisioning_Logs")?,
        ];
        self.put("A5", "Remove Manager", checks);
        Ok(())
    }

    fn group_gone(
        &mut self,
        test: &str,
        phase: &'static str,
        [query, log]: [&str; 2],
    ) -> Result<(), PlayError> {
        let Some(object) = self.object(test).filter(|_| self.is_open(test)) else { return Ok(()) };
        let found = self.find(&object, |said| said.found().is_empty());
        let count = found.found().len();
        let got = format!("{}, {count} found", found.told());
        let checks = [
            found.check(query, "nothing found", got.clone(), count == 0, Weight::Both),
            found.check(query, "200 with an empty list", got, found.status == Some(200), Weight::Documented),
            self.logged(&object, &[Action::Delete], log)?,
        ];
        self.put(test, phase, checks);
        Ok(())
    }

    pub(super) fn third_phases(&mut self) -> Result<(), PlayError> {
        self.manager_seen("A5 new", "Change Manager")?;
        if let Some(object) = self.object("A6").filter(|_| self.is_open("A6")) {
            let action = "RestoreUserTest_SCIM_Get_Restore";
            let found = self.find(&object, |said| first_active(said) == Some(&Value::Bool(true)));
            let id = found.found().first().and_then(|it| member(it, "id")?.as_str());
            let total = member(&found.body, "totalResults").and_then(Value::as_u64);
            let same = id == object.target.as_deref();
            let got = if same {
                "the same id".to_owned()
            } else {
                format!("Identity link NOT preserved: {}", id.unwrap_or("no id"))
            };
            let counted = total.is_some_and(|total| 1 <= total);
            let shown = total.map_or_else(|| "none".to_owned(), |total| total.to_string());
            let checks = [
                Check { action: action.to_owned(), ..is_active(&found, true) },
                found.check(action, "`totalResults` of 1 or more", shown, counted, Weight::AsRun),
                found.check(action, "the account keeps its id", got, same, Weight::AsRun),
                self.logged(&object, &[], "RestoreUserTest_Get_Restore_Log")?,
            ];
            self.put("A6", "Reassign", checks);
        }
        if let Some(object) = self.object("A14").filter(|_| self.is_open("A14")) {
            let found = self.find(&object, |said| !said.found().is_empty());
            let held = !found.found().is_empty();
            let got = if held { "found".to_owned() } else { found.told() + ", nothing found" };
            let logged =
                self.logged(&object, &[Action::Create, Action::Update], "RestoreGroupTest_Get_Restore_Log")?;
            let checks = [
                found.check(
                    "RestoreGroupTest_SCIM_Check_Restored",
                    "the group is found again",
                    got,
                    held,
                    Weight::Both,
                ),
                // The entry of the first phase satisfies the official run.
                Check { weight: Weight::Documented, ..logged },
            ];
            self.put("A14", "Reassign", checks);
        }
        Ok(())
    }

    /// One object on demand, after the last cycle: what the suite deletes at the endpoint, no cycle is to miss.
    pub(super) fn provision_one(
        &mut self,
        test: &'static str,
        kind: ObjectKind,
        prefix: &str,
    ) -> Result<(), PlayError> {
        if !self.is_open(test) {
            return Ok(());
        }
        self.add(test, kind, prefix)?;
        let Some(object) = self.object(test) else { return Ok(()) };
        let choice = Choice::new(self.on_demand.spec(), &self.store, (kind, &object.id), &[])?;
        self.heard.0.clear();
        let purpose = Purpose::OnDemand(choice);
        let result =
            self.on_demand.cycle_on(&mut self.store, &self.clock, purpose, &mut self.heard, &mut Nowhere);
        self.learn();
        self.cycle = result?.cycle;
        let found = self.find(&object, |said| !said.found().is_empty());
        let held = !found.found().is_empty();
        let got = if held { "found".to_owned() } else { found.told() + ", nothing found" };
        let logged = self.logged(&object, &[Action::Create], "POD_Verify_Provisioning_Logs")?;
        let (wanted, name) = (format!("{kind} found on the SCIM endpoint"), format!("POD_SCIM_Get_{kind}"));
        let exists = Check { holds: logged.got != "NO_LOGS_FOUND", ..logged.clone() };
        let checks = [
            found.check(&name, &wanted, got, held, Weight::Both),
            // The official run looks whether there is an entry, not what it says.
            Check {
                weight: Weight::AsRun,
                expected: "an entry in the provisioning log".to_owned(),
                ..exists
            },
            Check { weight: Weight::Documented, ..logged },
        ];
        self.put(test, "", checks);
        Ok(())
    }
}

/// `active` of the first resource of a list.
fn first_active(said: &Said) -> Option<&Value> {
    said.found().first().and_then(|it| member(it, "active"))
}

/// The account is found, and enabled or not by a JSON Boolean.
fn is_active(found: &Said, wanted: bool) -> Check {
    let active = first_active(found);
    let got = match active {
        _ if found.found().is_empty() => found.told() + ", nothing found",
        Some(active) => format!("active is {active}"),
        None => "no `active`".to_owned(),
    };
    let holds = active == Some(&Value::Bool(wanted));
    found.check(
        "SCIM_Check_Active",
        &format!("`active` is the JSON value {wanted}"),
        got,
        holds,
        Weight::Both,
    )
}

/// Every text in small letters; names of members stay.
fn lowered(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(text.to_lowercase()),
        Value::Array(items) => items.iter().map(lowered).collect(),
        Value::Object(members) => {
            members.iter().map(|(name, value)| (name.clone(), lowered(value))).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}
