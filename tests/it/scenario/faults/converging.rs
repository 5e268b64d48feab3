//! Faults that end: whatever an app or a source did wrong meanwhile, the app holds in the end what it should, read back
//! out of band.

use std::fmt::Write as _;

use scimulator::client::Outcome;
use scimulator::scenario::{self, Options, Report};
use scimulator::target::Preset;

use super::super::{parsed, passes, text_of};

/// Every fault that requests meet and that shows in the answer, or that the job repairs by itself.
const FAULTS: [&str; 18] = [
    "target = 'down'",
    "target = 'unauthorized'",
    "target = 'unauthorized', after = 4",
    "target = 'throttled'",
    "target = 'throttled', retry_after = '2m'",
    "target = 'throttled', retry_after = '30s', times = 2",
    "target = 'error'",
    "target = 'error', after = 3, times = 5",
    "target = 'error', status = 503, percent = 50",
    "target = 'html'",
    "target = 'html', status = 200",
    "target = 'lost_reply'",
    "target = 'lost_reply', method = 'POST', times = 3",
    "target = 'slow'",
    "target = 'slow', latency = '29s'",
    "target = 'not_found_when_empty'",
    "target = 'stale_reads', lag = '1h'",
    "target = 'wrong_content_type'",
];

/// Plays a story under each fault, and says of all together what went wrong.
#[track_caller]
fn each_passes(faults: &[&str], story: impl Fn(&str) -> String) {
    let mut wrong = String::new();
    for fault in faults {
        let report = scenario::run(&parsed(&text_of(&story(fault))), &Options::embedded());
        if !report.is_fine() {
            writeln!(wrong, "{fault}: {report}").unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn an_app_that_is_broken_at_first_is_filled_in_the_end() {
    each_passes(&FAULTS, |fault| {
        format!(
            "[[step]]\ndo = 'initial cycle'\nfault = {{ {fault} }}\n\
             [[step]]\nfault = {{ target = 'none' }}\nuntil = 'job.settled'\n\
             [[step]]\nuntil = 'job.settled'\nexpect.job.status = 'Active'\nexpect.target.users = 3\n\
             expect.target.groups = 1\nexpect.target.group.Sales.members = ['adele@contoso.com', 'ben@contoso.com']\n\
             expect.target.user.'adele@contoso.com'.manager = 'carla@contoso.com'\n\
             expect.target.user.'ben@contoso.com'.displayName = 'Ben Ito'\n"
        )
    });
}

#[test]
fn what_changed_while_an_app_was_broken_is_in_it_in_the_end() {
    each_passes(&FAULTS, |fault| {
        format!(
            "[[step]]\ndo = 'initial cycle'\n\
             [[step]]\nat = '+40m'\nfault = {{ {fault} }}\nedit = [\n\
             {{ user = 'adele@contoso.com', set = {{ jobTitle = 'Director' }} }},\n\
             {{ user = 'zoe@contoso.com', assign = true }},\n\
             {{ group = 'Sales', remove_members = ['ben@contoso.com'] }},\n]\n\
             [[step]]\nfault = {{ target = 'none' }}\nuntil = 'job.settled'\n\
             [[step]]\nuntil = 'job.settled'\nexpect.job.status = 'Active'\nexpect.target.users = 4\n\
             expect.target.group.Sales.members = ['adele@contoso.com']\n\
             expect.target.user.'adele@contoso.com'.title = 'Director'\n\
             expect.target.user.'ben@contoso.com'.active = false\n\
             expect.target.user.'zoe@contoso.com'.active = true\n"
        )
    });
}

#[test]
fn two_matches_are_told_and_settled_when_there_is_one() {
    passes(
        "[[step]]\ndo = 'initial cycle'\n\
         [[step]]\ndo = 'restart'\nreset = 'full'\nadvance = '40m'\nfault = { target = 'two_matches', path = '/Users' }\n\
         expect.job.escrow.'ben@contoso.com' = 'DuplicateTargetEntries'\nexpect.no_requests = [{ method = 'POST' }]\n\
         [[step]]\nfault = { target = 'none' }\nuntil = 'job.settled'\nexpect.target.users = 3\n\
         expect.target.group.Sales.members = ['adele@contoso.com', 'ben@contoso.com']\n",
    );
}

#[test]
fn a_duplicate_after_a_restored_backup_is_met_when_accounts_are_matched_again() {
    passes(
        "[[step]]\ndo = 'initial cycle'\n\
         [[step]]\nfault = { target = 'duplicated', user = 'ben@contoso.com' }\nadvance = '40m'\n\
         edit = { user = 'ben@contoso.com', set = { jobTitle = 'Buyer' } }\n\
         expect.target.users = 4\nexpect.target.user.'ben@contoso.com'.title = 'Buyer'\nexpect.job.escrows = 0\n\
         [[step]]\ndo = 'restart'\nreset = 'full'\nadvance = '40m'\n\
         expect.job.escrow.'ben@contoso.com' = 'DuplicateTargetEntries'\n\
         [[step]]\nfault = { target = 'forgets', user = 'ben@contoso.com' }\nuntil = 'job.settled'\n\
         expect.target.users = 3\n",
    );
}

#[test]
fn edits_under_a_stale_source_are_known_when_it_is_so_no_longer() {
    passes(
        "[[step]]\ndo = 'initial cycle'\n\
         [[step]]\nat = '+40m'\nfault = { source = 'stale' }\n\
         edit = { user = 'ben@contoso.com', disable = true }\n\
         expect.only = true\nexpect.requests = []\nexpect.job.result = 'Succeeded'\n\
         expect.target.user.'ben@contoso.com'.active = true\n\
         [[step]]\nadvance = '40m'\nedit = { user = 'zoe@contoso.com', assign = true }\nexpect.target.users = 3\n\
         [[step]]\nfault = { source = 'none' }\nadvance = '40m'\nexpect.target.users = 4\n\
         expect.target.user.'ben@contoso.com'.active = false\n",
    );
}

/// The statuses of what was sent, in order.
fn statuses(report: &Report, method: &str) -> Vec<u16> {
    let of_method = report.exchanges.iter().filter(|exchange| exchange.request.method == method);
    of_method
        .map(|exchange| match &exchange.outcome {
            Outcome::Response(response) => response.status,
            Outcome::Error(_) => 0,
        })
        .collect()
}

fn initial(seed: u64, fault: &str) -> Vec<u16> {
    let text = text_of(&format!("[[step]]\ndo = 'initial cycle'\nfault = {{ {fault} }}\n"));
    statuses(&scenario::run(&parsed(&format!("seed = {seed}\n{text}")), &Options::embedded()), "POST")
}

#[test]
fn which_requests_meet_a_fault_follows_from_the_seed() {
    let drawn: Vec<Vec<u16>> = (0..8)
        .map(|seed| {
            let of = || initial(seed, "target = 'error', method = 'POST', percent = 50");
            assert_eq!(of(), of());
            of()
        })
        .collect();
    let all = drawn.concat();
    assert!(all.contains(&201) && all.contains(&500), "{drawn:?}");
    assert!(drawn.iter().any(|other| *other != drawn[0]), "{drawn:?}");
}

#[test]
fn a_burst_begins_after_so_many_requests_and_ends_after_so_many() {
    let met = initial(0, "target = 'error', method = 'POST', path = '/Users', after = 1, times = 1");
    assert_eq!(met, [201, 500, 201, 201]);
}

#[test]
fn published_limits_hold_a_job_up_and_lose_nobody() {
    let mut people = String::new();
    for n in 0..50 {
        writeln!(
            people,
            "[[user]]\nuserPrincipalName = 'u{n}@contoso.com'\ndisplayName = 'U{n}'\nmailNickname = 'u{n}'\n\
             [[assignment]]\nprincipal = 'u{n}@contoso.com'"
        )
        .unwrap();
    }
    let mut refused = Vec::new();
    for preset in Preset::ALL {
        let text = format!(
            "title = 'Limits'\n{people}[[step]]\ndo = 'initial cycle'\nfault = {{ target = 'limits', of = '{preset}' }}\n\
             [[step]]\nuntil = 'job.settled'\nexpect.target.users = 50\nexpect.job.status = 'Active'\n"
        );
        let report = scenario::run(&parsed(&text), &Options::embedded());
        assert!(report.is_fine(), "{preset}: {report}");
        if statuses(&report, "POST").contains(&429) {
            refused.push(*preset);
        }
    }
    // Fifty users are few to AWS, GitHub and Miro.
    assert_eq!(refused, [Preset::Slack, Preset::Dbt]);
}
