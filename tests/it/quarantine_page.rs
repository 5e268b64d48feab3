//! The page on quarantine, rehearsed as it stands there.

use std::sync::{Arc, Mutex};

use crate::bad_targets::server::{Answer, Server};
use crate::common::Project;
use crate::sources::root;

/// The blocks of a page in this language.
fn blocks<'p>(page: &'p str, language: &str) -> Vec<&'p str> {
    let fence = format!("```{language}\n");
    let parts: Vec<&str> = page.split(fence.as_str()).skip(1).collect();
    parts.into_iter().map(|part| part.split("```").next().unwrap()).collect()
}

/// Whether a text is this one, where `…` stands for anything.
fn fits(text: &str, expected: &str) -> bool {
    let pieces = expected.split('…').map(str::trim);
    let mut rest = text;
    pieces.filter(|piece| !piece.is_empty()).all(|piece| match rest.split_once(piece) {
        Some((_, after)) => {
            rest = after;
            true
        }
        None => false,
    })
}

#[derive(Clone, Copy)]
enum Mood {
    Well,
    Refuses,
    FailsCreates,
}

/// Runs the commands of a block against an app that does what the comments between them say.
fn rehearse(config: &str, block: &str) -> usize {
    let mood = Arc::new(Mutex::new(Mood::Well));
    let of_the_app = Arc::clone(&mood);
    let server = Server::start(move |asked| match *of_the_app.lock().unwrap() {
        Mood::Refuses => Some(Answer::say(401, r#"{"detail":"who are you"}"#)),
        Mood::FailsCreates if asked.method == "POST" => Some(Answer::say(500, r#"{"detail":"no room"}"#)),
        Mood::Well | Mood::FailsCreates => None,
    });
    let project = Project::with([("scimulator.toml", config)]);
    project.write("scimulator.toml", &config.replace("http://127.0.0.1:8080/scim", &server.url()));
    let mut lines = block.lines().peekable();
    let mut commands = 0;
    while let Some(line) = lines.next() {
        if let Some(event) = line.strip_prefix("# ") {
            *mood.lock().unwrap() = match event {
                "the app refuses every request" => Mood::Refuses,
                "the app fails every create" => Mood::FailsCreates,
                "the app is well again" => Mood::Well,
                other => panic!("what is `{other}`?"),
            };
            continue;
        }
        let command = line.strip_prefix("$ scimulator ").unwrap_or_else(|| panic!("no command: {line}"));
        let mut expected = String::new();
        while let Some(line) = lines.next_if(|line| !line.starts_with("$ ") && !line.starts_with("# ")) {
            expected += line;
            expected.push('\n');
        }
        let output = project.scimulator(command.split(' ')).output().unwrap();
        let printed = String::from_utf8(output.stdout).unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(fits(&printed, &expected), "{command}:\n{printed}\nis not\n{expected}\n{told}");
        commands += 1;
    }
    commands
}

#[test]
fn the_rehearsals_of_the_page_go_as_it_says() {
    let page = std::fs::read_to_string(root().join("docs/quarantine.md")).unwrap();
    let config = blocks(&page, "toml")[0];
    let commands: usize = blocks(&page, "console").into_iter().map(|block| rehearse(config, block)).sum();
    assert!(12 <= commands, "{commands}");
    scimulator::covers!("E-168", "E-170", "E-172", "E-173");
}

#[test]
fn dots_stand_for_anything_and_the_rest_for_itself() {
    for (text, expected, wanted) in [
        ("a\nb\nc", "a\n…\nc", true),
        ("a 17 c", "a … c", true),
        ("a\nc\nb", "a\nb", false),
        ("c a", "a … c", false),
    ] {
        assert_eq!(fits(text, expected), wanted, "{text} {expected}");
    }
}
