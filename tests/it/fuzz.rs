//! The bodies of the fuzz targets over the kept corpus, and over the same broken in a few thousand ways.

#[path = "../../fuzz/bodies.rs"]
mod bodies;

use std::path::PathBuf;

use scimulator::expression::Random;

use crate::sources::root;

/// How often the corpus of each target is broken.
const BROKEN: usize = 1_000;

/// What a hand would put in between.
const PIECES: [&str; 24] = [
    "\"",
    "\\",
    "[",
    "]",
    "(",
    ")",
    "{",
    "}",
    ",",
    ".",
    ":",
    "=",
    "<>",
    "\n",
    "\0",
    "ß",
    "🦀",
    "\u{301}",
    "-1",
    "9223372036854775808",
    "IIF(",
    "not ",
    "urn:",
    "$1",
];

/// The kept inputs of a target, by file name.
fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = root().join("fuzz/corpus").join(target);
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| (file.display().to_string(), std::fs::read(file).unwrap())).collect()
}

fn below(random: &mut Random, bound: usize) -> usize {
    usize::try_from(random.next_u64() % bound as u64).unwrap()
}

/// Cuts, doubles, overwrites or moves a piece.
fn broken(data: &[u8], random: &mut Random) -> Vec<u8> {
    let start = below(random, data.len() + 1);
    let end = (start + below(random, 12)).min(data.len());
    let (before, piece, after) = (&data[..start], &data[start..end], &data[end..]);
    let put = PIECES[below(random, PIECES.len())].as_bytes();
    match below(random, 4) {
        0 => [before, after].concat(),
        1 => [before, piece, piece, after].concat(),
        2 => [before, put, after].concat(),
        _ => [after, put, before].concat(),
    }
}

#[test]
fn each_target_of_the_fuzzer_is_here_and_has_a_corpus() {
    let manifest = std::fs::read_to_string(root().join("fuzz/Cargo.toml")).unwrap();
    let manifest: toml::Table = manifest.parse().unwrap();
    let mut targets: Vec<&str> =
        manifest["bin"].as_array().unwrap().iter().map(|bin| bin["name"].as_str().unwrap()).collect();
    targets.sort_unstable();
    assert_eq!(targets, bodies::ALL.map(|(name, _)| name));
    for name in targets {
        let target = std::fs::read_to_string(root().join(format!("fuzz/targets/{name}.rs"))).unwrap();
        assert!(target.contains(&format!("bodies::{name}(data)")), "{name}");
        assert!(10 < corpus(name).len(), "{name}");
    }
}

#[test]
fn the_kept_corpus_breaks_nothing() {
    for (name, body) in bodies::ALL {
        for (file, data) in corpus(name) {
            let outcome = std::panic::catch_unwind(|| body(&data));
            assert!(outcome.is_ok(), "{file}");
        }
    }
}

#[test]
fn neither_does_the_corpus_when_it_is_broken() {
    let mut random = Random::seeded(2026);
    for (name, body) in bodies::ALL {
        let corpus = corpus(name);
        for _ in 0..BROKEN {
            let mut data = corpus[below(&mut random, corpus.len())].1.clone();
            for _ in 0..=below(&mut random, 3) {
                data = broken(&data, &mut random);
            }
            let outcome = std::panic::catch_unwind(|| body(&data));
            assert!(outcome.is_ok(), "{name}: {:?}", String::from_utf8_lossy(&data));
        }
    }
}
