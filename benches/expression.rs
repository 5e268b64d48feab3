//! How fast typical expressions are read and evaluated. `cargo bench --bench expression`.
//!
//! The aim is 2 million evaluations a second on one core for `Join(" ", [givenName], [surname])`, that is 500 ns each.
//! `tests/it/expression/speed.rs` guards the number of allocations behind that, which does not depend on the machine.

use std::collections::BTreeMap;

use divan::{Bencher, black_box};
use scimulator::clock::Timestamp;
use scimulator::expression::{AttributeValue, Environment, Expression, ParseOptions, Random, Switches};

/// Expressions as published mappings have them.
const EXPRESSIONS: [&str; 8] = [
    "[mail]",
    r#"Join(" ", [givenName], [surname])"#,
    r#"Switch([IsSoftDeleted], , "False", "True", "True", "False")"#,
    "Not([IsSoftDeleted])",
    r#"Replace([mailNickname], , "[^a-z0-9]", , "", , )"#,
    r#"ToLower(Join(".", NormalizeDiacritics([givenName]), NormalizeDiacritics([surname])))"#,
    r#"IIF([department] = "Sales", Append([mailNickname], "@sales.contoso.com"), [mail])"#,
    r#"FormatDateTime([employeeHireDate], , "yyyy-MM-ddTHH:mm:ssZ", "yyyy-MM-dd")"#,
];

fn main() {
    divan::main();
}

fn source() -> BTreeMap<String, AttributeValue> {
    [
        ("IsSoftDeleted", "False"),
        ("department", "Sales"),
        ("employeeHireDate", "2024-02-29T08:30:00Z"),
        ("givenName", "Zoë"),
        ("mail", "zoe.brontë@contoso.com"),
        ("mailNickname", "zoe.bronte"),
        ("surname", "Brontë"),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), AttributeValue::Text(value.to_owned())))
    .collect()
}

fn parsed(text: &str) -> Expression {
    match Expression::parse(text, &ParseOptions::default()) {
        Ok(expression) => expression,
        Err(errors) => panic!("`{text}`: {errors:?}"),
    }
}

#[divan::bench(args = EXPRESSIONS)]
fn parse(text: &str) -> Expression {
    parsed(black_box(text))
}

#[divan::bench(args = EXPRESSIONS)]
fn evaluate(bencher: Bencher<'_, '_>, text: &str) {
    let (expression, source, switches) = (parsed(text), source(), Switches::default());
    let mut environment = Environment::new(Timestamp::UNIX_EPOCH, Random::seeded(1), &switches);
    bencher.bench_local(|| black_box(&expression).evaluate(black_box(&source), &mut environment));
}
