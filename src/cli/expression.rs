//! `expression eval`: what an expression comes to.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value as Json, json};

use super::arguments::{Assignment, ExpressionArguments, ExpressionCommand, ExpressionEvalArguments};
use super::context::Context;
use super::directory::value_to_text;
use super::output::warn;
use super::session::{Session, engine_failure, find, look_at_directory};
use super::{Exit, Failure};
use crate::clock::Timestamp;
use crate::clock::{Clock as _, JobClock};
use crate::directory::read::is_multi_valued;
use crate::engine::{ids, inspect};
use crate::expression::{
    AppRole, AttributeValue, Environment, EvaluationError, Expression, Outcome, ParseError, ParseOptions,
    Random, Switches, Trace, Value,
};

/// Characters of a long line that are shown before a mistake in it.
const BEFORE_CHARS: usize = 40;
/// Characters of a long line that are shown in all.
const EXCERPT_CHARS: usize = 100;

pub(super) fn run(context: &Context, arguments: &ExpressionArguments) -> Result<Exit, Failure> {
    match &arguments.command {
        ExpressionCommand::Eval(arguments) => eval(context, arguments),
    }
}

/// The attributes and choices that reading and evaluating rest on.
#[derive(Default)]
struct Setting {
    parse: ParseOptions<'static>,
    source: BTreeMap<String, AttributeValue>,
    switches: Switches,
    seed: u64,
    /// Where `Now()` is read.
    clock: JobClock,
}

fn eval(context: &Context, arguments: &ExpressionEvalArguments) -> Result<Exit, Failure> {
    let text = &arguments.expression;
    let (mut setting, exit) = match &arguments.user {
        Some(user) => of_user(context, user)?,
        None => (Setting::default(), Exit::Fine),
    };
    let expression =
        Expression::parse(text, &setting.parse).map_err(|errors| unreadable(context, text, &errors))?;
    setting.source.extend(set(&arguments.set)?);
    let now = arguments.now.unwrap_or_else(|| setting.clock.now());
    let (result, trace) = evaluate(&expression, &setting, now);
    if context.output.is_json() {
        return print_json(context, &expression, &result, &trace).map(|()| exit);
    }
    if context.is_verbose() {
        warn(&format!("read as: {}", expression.canonical()));
        for entry in &trace.entries {
            warn(&format!("{}{} → {}", "  ".repeat(entry.depth), entry.text, step_text(&entry.result)));
        }
    }
    match result {
        Ok(outcome) => context.output.text(&outcome_text(&outcome)).map(|()| exit),
        Err(error) => Err(Failure::new(Exit::Failed, error.to_string())),
    }
}

/// The attributes of a user as the job's mappings see them, and how the command is to end.
fn of_user(context: &Context, user: &str) -> Result<(Setting, Exit), Failure> {
    let mut session = Session::look(context)?;
    let exit = look_at_directory(context, &mut session.store, &session.config)?;
    let spec = session.spec()?;
    let object = find(&session.store, user, None)?;
    let source = inspect::source_attributes(&spec, &session.store, object.kind, &object.id)
        .map_err(|error| engine_failure(&error))?
        .unwrap_or_default();
    let parse = session.job.reading().parse;
    let clock = session.store.clock().clone();
    Ok((Setting { parse, source, switches: spec.expressions, seed: spec.seed, clock }, exit))
}

/// The attributes that were typed. Known multi-valued ones are lists even with one value.
fn set(assignments: &[Assignment]) -> Result<BTreeMap<String, AttributeValue>, Failure> {
    let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for Assignment { name, value } in assignments {
        texts.entry(name.clone()).or_default().push(value.clone());
    }
    texts
        .into_iter()
        .map(|(name, values)| {
            let is_list = is_multi_valued(&name, &std::collections::BTreeSet::new());
            let value = match <[String; 1]>::try_from(values) {
                Err(values) if name == "appRoleAssignments" => AttributeValue::Roles(roles(&values)?),
                Ok(value) if name == "appRoleAssignments" => AttributeValue::Roles(roles(&value)?),
                Ok([value]) if !is_list => AttributeValue::Text(value),
                Ok(value) => AttributeValue::List(value.into()),
                Err(values) => AttributeValue::List(values),
            };
            Ok((name, value))
        })
        .collect()
}

/// App roles, each typed as a JSON object.
fn roles(texts: &[String]) -> Result<Vec<AppRole>, Failure> {
    let role = |text: &String| {
        let object: Json = serde_json::from_str(text).ok()?;
        let part = |name: &str| object.get(name).and_then(Json::as_str).map(str::to_owned);
        Some(AppRole { id: part("id")?, value: part("value")?, display_name: part("displayName")? })
    };
    let wrong = |text: &String| {
        Failure::new(Exit::Usage, format!("`{text}` is no app role")).help(
            r#"write `appRoleAssignments={"id": "…", "value": "…", "displayName": "…"}`, or name a user"#,
        )
    };
    texts.iter().map(|text| role(text).ok_or_else(|| wrong(text))).collect()
}

fn evaluate(
    expression: &Expression,
    setting: &Setting,
    now: Timestamp,
) -> (Result<Outcome, EvaluationError>, Trace) {
    // Random values follow from expression and moment: with `--now` they are the same again.
    let stream = ids::stream(setting.seed, &["expression", expression.text(), &now.to_string()]);
    let mut environment = Environment::new(now, Random::seeded(stream), &setting.switches);
    environment.trace = Some(Trace::default());
    let result = expression.evaluate(&setting.source, &mut environment);
    (result, environment.trace.unwrap_or_default())
}

fn print_json(
    context: &Context,
    expression: &Expression,
    result: &Result<Outcome, EvaluationError>,
    trace: &Trace,
) -> Result<(), Failure> {
    let outcome = match result {
        Ok(outcome) => outcome,
        Err(error) => return Err(Failure::new(Exit::Failed, error.to_string())),
    };
    let mut json = outcome_json(outcome);
    if let (true, Some(members)) = (context.is_verbose(), json.as_object_mut()) {
        let steps = trace.entries.iter().map(|entry| {
            let mut step = match &entry.result {
                Ok(outcome) => outcome_json(outcome),
                Err(error) => json!({ "error": error.to_string() }),
            };
            if let Some(members) = step.as_object_mut() {
                members.insert("expression".to_owned(), entry.text.clone().into());
                members.insert("depth".to_owned(), entry.depth.into());
            }
            step
        });
        members.insert("expression".to_owned(), expression.canonical().into());
        members.insert("evaluationResult".to_owned(), outcome.evaluation_result().into());
        members.insert("steps".to_owned(), steps.collect());
    }
    context.output.json(&json)
}

/// `{"value": …, "type": …}`; `docs/expressions.md` lists the types.
fn outcome_json(outcome: &Outcome) -> Json {
    let (value, type_name) = match outcome {
        Outcome::Value(value) => (value_json(value), value.type_name()),
        Outcome::Null => (Json::Null, "null"),
        Outcome::IgnoreAttribute => (Json::Null, "IgnoreAttributeFlow"),
        Outcome::IgnoreObject => (Json::Null, "IgnoreObjectFlow"),
    };
    json!({ "value": value, "type": type_name })
}

/// Texts as the target would get them; a list as an array.
fn value_json(value: &Value) -> Json {
    match value {
        Value::List(texts) => texts.clone().into(),
        Value::Text(_) | Value::Integer(_) | Value::Boolean(_) | Value::Instant(_) | Value::Roles(_) => {
            value.to_text().into_iter().next().into()
        }
    }
}

/// One line for each value.
fn outcome_text(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Value(value) => value.to_text().join("\n"),
        Outcome::Null => "null".to_owned(),
        Outcome::IgnoreAttribute => "IgnoreAttributeFlow".to_owned(),
        Outcome::IgnoreObject => "IgnoreObjectFlow".to_owned(),
    }
}

/// A step's result on one line, texts in quotation marks.
fn step_text(result: &Result<Outcome, EvaluationError>) -> String {
    match result {
        Ok(Outcome::Value(Value::List(texts))) => format!("{texts:?}"),
        Ok(Outcome::Value(Value::Text(text))) => format!("{text:?}"),
        Ok(Outcome::Value(value @ Value::Roles(_))) => value_to_text(&value.clone().into_attribute_value()),
        Ok(outcome) => outcome_text(outcome),
        Err(error) => format!("error: {error}"),
    }
}

/// Every mistake of an expression; for people each with the text and a mark below it.
fn unreadable(context: &Context, text: &str, errors: &[ParseError]) -> Failure {
    let mut message = String::new();
    for (at, error) in errors.iter().enumerate() {
        let separator = match (at, context.output.is_json()) {
            (0, _) => "",
            (_, true) => "; ",
            (_, false) => "\nerror: ",
        };
        message.push_str(separator);
        message.push_str(&error.to_string());
        if !context.output.is_json() {
            message.push_str(&excerpt(text, error));
        }
    }
    Failure::new(Exit::Usage, message)
}

/// The line that a mistake is on, cut to its surroundings, and carets below the mistake.
fn excerpt(text: &str, error: &ParseError) -> String {
    let mut start = error.start;
    let mut line: Vec<char> = Vec::new();
    for candidate in text.split('\n') {
        line = candidate.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        if start <= line.len() {
            break;
        }
        start = start.saturating_sub(line.len().saturating_add(1));
    }
    let skipped = if EXCERPT_CHARS < line.len() { start.saturating_sub(BEFORE_CHARS) } else { 0 };
    let shown: String = line.iter().skip(skipped).take(EXCERPT_CHARS).collect();
    let before = start.saturating_sub(skipped);
    let room = shown.chars().count().saturating_sub(before);
    let carets = error.length.clamp(1, room.max(1));
    let mut excerpt = String::new();
    write!(excerpt, "\n  {shown}\n  {}{}", " ".repeat(before), "^".repeat(carets))
        .expect("a string takes every text");
    excerpt
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(text: &str, start: usize, length: usize) -> String {
        excerpt(text, &ParseError { message: String::new(), start, length })
    }

    #[test]
    fn a_mistake_is_marked_in_its_line() {
        assert_eq!(marked("Joni([a])", 0, 4), "\n  Joni([a])\n  ^^^^");
        assert_eq!(marked("Join(\n\t[a], b)", 12, 1), "\n   [a], b)\n        ^");
        assert_eq!(marked("Ü(", 2, 0), "\n  Ü(\n    ^", "at the end of the text");
        let long = format!("{}?{}", "a".repeat(500), "b".repeat(500));
        let expected = format!("\n  {}?{}\n  {}^", "a".repeat(40), "b".repeat(59), " ".repeat(40));
        assert_eq!(marked(&long, 500, 1), expected);
    }
}
