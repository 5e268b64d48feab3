//! The console of the application: what its administrator does there, apart from SCIM. Which of it there is says the
//! profile (`[app.console]`).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::answer::Refusal;
use super::strict::{ConsoleRules, TokenRule};
use super::{App, ResourceKind};
use crate::http::Request;

/// What an administrator asks the console for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConsoleCommand {
    /// A token; where one is good at a time, the one before it is none any more.
    NewToken {
        /// The token. It is shown by nobody again: what is kept is a fingerprint.
        token: String,
    },
    /// No token is good any more.
    RevokeTokens,
    /// How users get into the app.
    Mode(Mode),
    /// Whether changes are rehearsed. What was rehearsed is forgotten when it ends.
    TestMode(bool),
    /// One more e-mail address of a user.
    Alias {
        /// The user's name.
        user: String,
        /// The address.
        address: String,
    },
}

/// How users get into the app.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Provisioning is switched off.
    Off,
    /// By SCIM.
    #[default]
    Scim,
    /// The app's other way, which the profile names.
    Other,
}

/// Why the console does not do something.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConsoleError {
    /// The application has no such thing.
    #[error("this app's console has no {what}")]
    NotOffered {
        /// What it has not.
        what: &'static str,
    },
    /// There is nobody of that name.
    #[error("there is no user `{name}` in the app")]
    NoSuchUser {
        /// The name.
        name: String,
    },
}

/// What was set in the console.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Settings {
    mode: Mode,
    test_mode: bool,
    /// Fingerprints of the tokens that are good; `None` before the first request: the one that the app was started with.
    tokens: Option<Vec<String>>,
    /// Further e-mail addresses by the ids of users.
    aliases: BTreeMap<String, Vec<String>>,
}

impl Settings {
    /// Whether a token is good; `first` is the one that the app was started with.
    pub(super) fn accepts(&self, token: &str, first: Option<&str>) -> bool {
        match &self.tokens {
            Some(good) => good.contains(&fingerprint(token)),
            None => first.is_some_and(|first| first == token),
        }
    }

    /// Keeps the token that the app was started with, so that it is the good one whatever the client shows later. Whether
    /// that is new.
    pub(super) fn keep_first(&mut self, first: Option<&str>, rules: &ConsoleRules) -> bool {
        let Some(first) = first.filter(|_| self.tokens.is_none() && rules.tokens.is_some()) else {
            return false;
        };
        self.tokens = Some(vec![fingerprint(first)]);
        true
    }

    /// Whether nobody has to show a token.
    pub(super) fn is_open(&self, first: Option<&str>) -> bool {
        self.tokens.is_none() && first.is_none()
    }

    pub(super) fn is_rehearsal(&self) -> bool {
        self.test_mode
    }

    /// Refuses a client while users come in another way.
    pub(super) fn check_mode(&self, rules: &ConsoleRules) -> Result<(), Refusal> {
        match self.mode {
            Mode::Scim => Ok(()),
            Mode::Off => Err(Refusal::forbidden("provisioning is switched off in this app")),
            Mode::Other => Err(Refusal::forbidden(format!(
                "this app takes users by {}, and not by SCIM",
                rules.other_mode.as_deref().unwrap_or_default()
            ))),
        }
    }

    /// The first sync for real drops the addresses that SCIM does not know; whether there were any.
    pub(super) fn drop_aliases(&mut self) -> bool {
        !std::mem::take(&mut self.aliases).is_empty()
    }
}

impl App {
    /// Does something in the console.
    pub fn console(&mut self, command: ConsoleCommand) -> Result<(), ConsoleError> {
        let rules = self.options.rules.as_ref().map(|rules| rules.console.clone()).unwrap_or_default();
        let offered = |there: bool, what| if there { Ok(()) } else { Err(ConsoleError::NotOffered { what }) };
        match command {
            ConsoleCommand::NewToken { token } => {
                let rule = rules.tokens.ok_or(ConsoleError::NotOffered { what: "tokens" })?;
                let first = self.options.token.as_deref().map(fingerprint);
                let mut good = match rule {
                    TokenRule::One => Vec::new(),
                    TokenRule::Many => {
                        self.settings.tokens.take().unwrap_or_else(|| first.into_iter().collect())
                    }
                };
                good.push(fingerprint(&token));
                self.settings.tokens = Some(good);
            }
            ConsoleCommand::RevokeTokens => {
                offered(rules.tokens.is_some(), "tokens")?;
                self.settings.tokens = Some(Vec::new());
            }
            ConsoleCommand::Mode(mode) => {
                offered(rules.other_mode.is_some(), "switch for provisioning")?;
                // Whoever changes over is not to lose what is there.
                if self.settings.mode == Mode::Other && mode == Mode::Scim && rules.test_mode {
                    self.rehearse(true);
                }
                self.settings.mode = mode;
            }
            ConsoleCommand::TestMode(on) => {
                offered(rules.test_mode, "test mode")?;
                self.rehearse(on);
            }
            ConsoleCommand::Alias { user, address } => {
                offered(rules.aliases, "alias addresses")?;
                let named = |resource: &&Value| {
                    let name = resource.get("userName").and_then(Value::as_str);
                    name.is_some_and(|name| name.eq_ignore_ascii_case(&user))
                };
                let found = self.content.resources().find(named);
                let id = found.and_then(|user| user.get("id")).and_then(Value::as_str);
                let id = id.ok_or(ConsoleError::NoSuchUser { name: user })?.to_owned();
                self.settings.aliases.entry(id).or_default().push(address);
            }
        }
        self.settings_changed = true;
        Ok(())
    }

    /// What the console shows; `None` for an app without one. No token is among it.
    pub fn console_shown(&self) -> Option<Value> {
        let rules = &self.options.rules.as_ref()?.console;
        let mut shown = Map::new();
        if let Some(other) = &rules.other_mode {
            let mode = match self.settings.mode {
                Mode::Off => "off",
                Mode::Scim => "SCIM",
                Mode::Other => other,
            };
            shown.insert("provisioning".to_owned(), mode.into());
        }
        if rules.tokens.is_some() {
            let first = usize::from(self.options.token.is_some());
            let good = self.settings.tokens.as_ref().map_or(first, Vec::len);
            shown.insert("tokens".to_owned(), good.into());
        }
        if rules.test_mode {
            shown.insert("testMode".to_owned(), self.settings.test_mode.into());
        }
        if rules.aliases {
            let aliases: Map<String, Value> = self
                .settings
                .aliases
                .iter()
                .map(|(id, addresses)| (self.name_of(id), json!(addresses)))
                .collect();
            shown.insert("aliases".to_owned(), Value::Object(aliases));
        }
        if rules.force_sync {
            shown.insert("forceSync".to_owned(), true.into());
        }
        (!shown.is_empty()).then_some(Value::Object(shown))
    }

    /// Whether the console can ask for a sync.
    pub fn can_force_sync(&self) -> bool {
        self.options.rules.as_ref().is_some_and(|rules| rules.console.force_sync)
    }

    /// What the accepted changes of the rehearsal under way would have done: an entry an object, users
    /// first, with the attributes as they are and as they would be. `None` when nothing is rehearsed.
    pub fn rehearsal_report(&self) -> Option<Vec<Value>> {
        let rehearsed = self.rehearsal.as_ref()?;
        let by_id = |content: &'_ super::Content| -> BTreeMap<String, Value> {
            let id =
                |resource: &Value| resource.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
            content.resources().map(|resource| (id(resource), resource.clone())).collect()
        };
        let (before, after) = (by_id(&self.content), by_id(rehearsed));
        let mut report = Vec::new();
        for (id, new) in &after {
            match before.get(id) {
                None => report.push(entry("create", id, new, &differences(&Value::Null, new))),
                Some(old) => {
                    let changes = differences(old, new);
                    if !changes.is_empty() {
                        report.push(entry("update", id, old, &changes));
                    }
                }
            }
        }
        for (id, old) in before.iter().filter(|(id, _)| !after.contains_key(*id)) {
            report.push(entry("remove", id, old, &differences(old, &Value::Null)));
        }
        let key = |entry: &Value| {
            let text = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
            (std::cmp::Reverse(text("kind")), text("name"))
        };
        report.sort_by_key(key);
        Some(report)
    }

    fn rehearse(&mut self, on: bool) {
        if on == self.settings.test_mode {
            return;
        }
        self.settings.test_mode = on;
        self.rehearsal = on.then(|| self.content.clone());
        self.rehearsal_over = !on;
    }

    fn name_of(&self, id: &str) -> String {
        let user = self.content.read(ResourceKind::User, id, "", false).ok();
        let name = user.as_ref().and_then(|user| user.get("userName")).and_then(Value::as_str);
        name.unwrap_or(id).to_owned()
    }
}

/// What is asked of a console over HTTP, beside the SCIM endpoints. The caller brings a new token.
pub(super) fn over_http(app: &mut App, request: &Request, new_token: &str) -> Result<(u16, Value), Refusal> {
    let path = request.path_and_query();
    let path = path.split_once('?').map_or(path, |(path, _)| path);
    let nothing = || Refusal::not_found(format!("there is nothing at `{path}`"));
    let shown = app.console_shown().ok_or_else(nothing)?;
    let asked: Map<String, Value> = match request.body.as_deref() {
        None => Map::new(),
        Some(body) => serde_json::from_slice(body)
            .map_err(|_| Refusal::syntax("the body is a JSON object".to_owned()))?,
    };
    let text = |name: &str| {
        let given = asked.get(name).and_then(Value::as_str).map(ToOwned::to_owned);
        given.ok_or_else(|| Refusal::value(format!("`{name}` is missing or no text")))
    };
    let command = match (request.method.as_str(), path) {
        ("GET", CONSOLE_PATH) => return Ok((200, shown)),
        ("GET", "/console/report") => {
            let report = app.rehearsal_report();
            return report
                .map(|report| (200, json!(report)))
                .ok_or_else(|| Refusal::not_found("nothing is rehearsed: test mode is off"));
        }
        ("POST", "/console/token") => {
            let command = ConsoleCommand::NewToken { token: new_token.to_owned() };
            app.console(command).map_err(|error| Refusal::not_found(error.to_string()))?;
            return Ok((201, json!({ "token": new_token })));
        }
        ("DELETE", "/console/token") => ConsoleCommand::RevokeTokens,
        ("PUT", "/console/mode") => ConsoleCommand::Mode(match text("mode")?.as_str() {
            "off" => Mode::Off,
            "scim" => Mode::Scim,
            "other" => Mode::Other,
            _ => return Err(Refusal::value("`mode` is `off`, `scim` or `other`")),
        }),
        ("PUT", "/console/test-mode") => {
            let on = asked.get("on").and_then(Value::as_bool);
            ConsoleCommand::TestMode(on.ok_or_else(|| Refusal::value("`on` is true or false"))?)
        }
        ("POST", "/console/aliases") => {
            ConsoleCommand::Alias { user: text("user")?, address: text("address")? }
        }
        _ => return Err(nothing()),
    };
    app.console(command).map_err(|error| Refusal::not_found(error.to_string()))?;
    Ok((200, app.console_shown().unwrap_or_default()))
}

/// Where the console is over HTTP.
pub(super) const CONSOLE_PATH: &str = "/console";

fn fingerprint(token: &str) -> String {
    blake3::hash(token.as_bytes()).to_hex().to_string()
}

fn entry(action: &str, id: &str, resource: &Value, changes: &[Value]) -> Value {
    let text = |name: &str| resource.get(name).and_then(Value::as_str);
    let kind = resource.pointer("/meta/resourceType").and_then(Value::as_str);
    json!({
        "action": action,
        "kind": kind,
        "id": id,
        "name": text("userName").or(text("displayName")),
        "changes": changes,
    })
}

/// The attributes that differ, those of extensions by their full names.
fn differences(old: &Value, new: &Value) -> Vec<Value> {
    let (old, new) = (flat(old), flat(new));
    let mut names: Vec<&String> =
        old.keys().chain(new.keys().filter(|name| !old.contains_key(*name))).collect();
    names.retain(|name| old.get(*name) != new.get(*name));
    names
        .into_iter()
        .map(|name| json!({ "attribute": name, "old": old.get(name), "new": new.get(name) }))
        .collect()
}

fn flat(resource: &Value) -> Map<String, Value> {
    let mut attributes = Map::new();
    for (name, value) in resource.as_object().into_iter().flatten() {
        if ["schemas", "id", "meta"].contains(&name.as_str()) {
            continue;
        }
        if let Some(fields) = value.as_object().filter(|_| super::path::is_urn(name)) {
            attributes.extend(fields.iter().map(|(sub, value)| (format!("{name}:{sub}"), value.clone())));
        } else {
            attributes.insert(name.clone(), value.clone());
        }
    }
    attributes
}
