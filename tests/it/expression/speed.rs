//! What an evaluation costs, counted in allocations: those do not depend on the machine or its load.

use allocation_counter::measure;
use scimulator::expression::{Environment, Random, Switches};
use serde_json::{Value as Json, json};

use super::{NOW, parse, source};

/// Allocations of one evaluation of `text`, the first one apart: it may fill caches.
fn allocations(text: &str, attributes: &Json) -> u64 {
    let (expression, source, switches) = (parse(text).unwrap(), source(attributes), Switches::default());
    let mut environment = Environment::new(NOW.parse().unwrap(), Random::seeded(1), &switches);
    expression.evaluate(&source, &mut environment).unwrap();
    let counted = measure(|| drop(expression.evaluate(&source, &mut environment)));
    assert_eq!(counted.count_current, 0, "{text}: nothing is kept");
    counted.count_total
}

#[test]
fn a_typical_evaluation_allocates_little() {
    let person =
        json!({ "givenName": "Ada", "surname": "Lovelace", "IsSoftDeleted": "False", "mail": "ada@x.com" });
    for (text, most) in [
        ("[mail]", 1),
        // The list of arguments, and the text; nothing for its parts.
        (r#"Join(" ", [givenName], [surname])"#, 2),
        (r#"Switch([IsSoftDeleted], , "False", "True", "True", "False")"#, 1),
        ("Not([IsSoftDeleted])", 1),
        (r#"IIF([mail] = "ada@x.com", [givenName], [surname])"#, 1),
        (r#"Append([givenName], "@contoso.com")"#, 2),
    ] {
        let counted = allocations(text, &person);
        assert!(counted <= most, "{text}: {counted} allocations, {most} allowed");
    }
}

#[test]
fn allocations_do_not_grow_with_the_text() {
    let person = |length: usize| json!({ "givenName": "a".repeat(length), "surname": "b".repeat(length) });
    let join = r#"Join(" ", [givenName], [surname])"#;
    assert_eq!(allocations(join, &person(5_000)), allocations(join, &person(5)));
}
