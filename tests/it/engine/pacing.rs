//! How many requests are under way at once, counted in virtual time.

use super::harness::{Sent, World};
use scimulator::clock::SignedDuration;
use scimulator::covers;

/// With answers that all take a second, what leaves in one second is what is under way together.
#[test]
fn as_many_requests_are_under_way_as_there_are_workers_and_never_more() {
    for (workers, configured) in [(1, None), (4, None), (1, Some(3))] {
        let mut world = World::new("");
        world.workers = workers;
        if let Some(configured) = configured {
            world.configure(&format!("fidelity = {{ workers = {configured} }}"));
        }
        world.latency(|_| SignedDuration::from_secs(1));
        for number in 0..12 {
            let name = format!("user{number}");
            world.people.user(&name, &[]).assign(&name);
        }
        world.clean_cycle();
        let sent: Vec<Sent> = world.sent().into_iter().filter(|sent| !sent.is_probe()).collect();
        let first = sent[0].at;
        let mut together = std::collections::BTreeMap::<i64, usize>::new();
        for sent in &sent {
            *together.entry(sent.at.duration_since(first).as_secs()).or_default() += 1;
        }
        let wanted = configured.unwrap_or(workers);
        assert_eq!(together.values().max(), Some(&wanted), "{together:?}");
        // Twelve users, two requests each: as many seconds as that takes.
        assert_eq!(together.len(), 24 / wanted, "{together:?}");
    }
    covers!("E-266");
}
