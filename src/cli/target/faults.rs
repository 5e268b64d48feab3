//! Faults as they are written after `--fault`: `error,status=503,method=POST,times=3`.

use std::str::FromStr;

use super::{Exit, Failure};
use crate::clock::SignedDuration;
use crate::config::duration;
use crate::config::words::Word as _;
use crate::diagnostic::did_you_mean;
use crate::http::Method;
use crate::scenario::AccountFault;
use crate::target::{Fault, FaultRule, FaultSettings, FaultWord, Preset, SettingError};

/// What may be said of every fault.
const KEYS: [&str; 5] = ["method", "path", "after", "times", "percent"];

/// What may be said of a fault: its own settings, and which requests meet it.
fn keys_of(word: FaultWord) -> impl Iterator<Item = &'static str> {
    word.keys().iter().chain(&KEYS).copied()
}

/// The rule of a fault that is written so.
pub(super) fn read(text: &str) -> Result<FaultRule, Failure> {
    let mut parts = text.split(',').map(str::trim);
    let name = parts.next().unwrap_or_default();
    if AccountFault::CHOICES.iter().any(|fault| fault.word() == name) {
        let help = "change the account by a request of your own, or let a scenario do it".to_owned();
        return Err(wrong(
            text,
            &format!("`{name}` is done to an account once, and is for scenarios alone"),
            help,
        ));
    }
    let word = one_of(FaultWord::ALL, FaultWord::as_str, name)
        .map_err(|help| wrong(text, &format!("there is no fault `{name}`"), help))?;
    let mut settings = FaultSettings::default();
    // Which fault it is follows from settings that are read below.
    let mut rule = FaultRule::every(Fault::Down);
    for part in parts {
        let help = || format!("write `KEY=VALUE`; keys of `{word}` are {}", told(keys_of(word)));
        let (key, value) =
            part.split_once('=').ok_or_else(|| wrong(text, &format!("`{part}` says nothing"), help()))?;
        let is_wrong = |what: &str, like: &str| {
            wrong(text, &format!("`{value}` is no {what}"), format!("write for example `{key}={like}`"))
        };
        match key {
            "status" => settings.status = Some(number(value).ok_or_else(|| is_wrong("status", "503"))?),
            "retry_after" => settings.retry_after = Some(time(text, value)?),
            "latency" => settings.latency = Some(time(text, value)?),
            "lag" => settings.lag = Some(time(text, value)?),
            "attribute" => settings.attribute = Some(value.to_owned()),
            "of" => {
                let preset = one_of(Preset::ALL, Preset::as_str, value);
                let none = |help| wrong(text, &format!("no limits of `{value}` are known"), help);
                settings.of = Some(preset.map_err(none)?);
            }
            "method" => {
                let method = Method::from_name(&value.to_ascii_uppercase());
                rule.which.method = Some(method.ok_or_else(|| is_wrong("method", "PATCH"))?);
            }
            "path" if value.starts_with('/') => rule.which.paths = Some(vec![value.to_owned()]),
            "path" => return Err(is_wrong("path, which begins with `/`", "/Users")),
            "after" => rule.which.after = number(value).ok_or_else(|| is_wrong("number", "20"))?,
            "times" => {
                let times = number(value).filter(|times| 0 < *times);
                rule.which.times = Some(times.ok_or_else(|| is_wrong("number of requests", "3"))?);
            }
            "percent" => {
                let percent = number(value).filter(|percent| (1..=100).contains(percent));
                rule.which.percent = percent.ok_or_else(|| is_wrong("number from 1 to 100", "10"))?;
            }
            "user" | "group" => {
                let help =
                    "in a scenario the job says whom it asks about; here narrow it by `method` and `path`";
                let why =
                    format!("a fault over a socket has no `{key}`: a request does not say whom it is about");
                return Err(wrong(text, &why, help.to_owned()));
            }
            _ => {
                let known = FaultWord::ALL.iter().copied().flat_map(keys_of);
                let help = did_you_mean(key, known).map_or_else(help, |key| format!("did you mean `{key}`?"));
                return Err(wrong(text, &format!("a fault has no `{key}`"), help));
            }
        }
    }
    rule.fault = word.with(settings).map_err(|error| {
        let help = match error {
            SettingError::Foreign { .. } => format!("keys of `{word}` are {}", told(keys_of(word))),
            SettingError::Status { .. } => format!("write for example `{word},status=503`"),
            SettingError::NoPreset => {
                let presets = told(Preset::ALL.iter().copied().map(Preset::as_str));
                format!("write `{word},of=NAME`; limits are known of {presets}")
            }
        };
        wrong(text, &error.to_string(), help)
    })?;
    Ok(rule)
}

fn wrong(text: &str, why: &str, help: String) -> Failure {
    Failure::new(Exit::Usage, format!("`--fault {text}`: {why}")).help(help)
}

fn told<'w>(words: impl Iterator<Item = &'w str>) -> String {
    words.collect::<Vec<_>>().join(", ")
}

fn number<N: FromStr>(text: &str) -> Option<N> {
    text.parse().ok()
}

fn time(text: &str, value: &str) -> Result<SignedDuration, Failure> {
    duration::parse(value).map_err(|error| wrong(text, &error.to_string(), duration::HELP.to_owned()))
}

/// The one that is written so; else what to say about it.
fn one_of<T: Copy>(all: &[T], word: fn(T) -> &'static str, text: &str) -> Result<T, String> {
    all.iter().copied().find(|one| word(*one) == text).ok_or_else(|| {
        let words = || all.iter().map(|one| word(*one));
        match did_you_mean(text, words()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("there are {}", words().collect::<Vec<_>>().join(", ")),
        }
    })
}
