//! What goes wrong on purpose: each fault meets the requests it is for, and what the job makes of it.

mod killed;
mod misleading;

use scimulator::client::Outcome;
use scimulator::scenario::{self, Options};

use super::{parsed, passes, played, text_of};

/// Adele changes, and something is wrong meanwhile.
fn with_fault(fault: &str, expect: &str) -> String {
    format!(
        "[[step]]\ndo = \"initial cycle\"\n[[step]]\nat = \"+40m\"\n\
         edit = {{ user = \"adele@contoso.com\", set = {{ jobTitle = \"Director\" }} }}\nfault = {fault}\n{expect}\n"
    )
}

#[test]
fn requests_meet_the_faults_that_are_for_them() {
    let patch = "{ method = \"PATCH\", path = \"/Users/{adele@contoso.com}\"";
    let cases = [
        ("{ target = \"error\", status = 503, method = \"PATCH\" }", format!("{patch}, status = 503 }}")),
        (
            "{ target = \"error\", path = \"/Users/{adele@contoso.com}\" }",
            "{ method = \"GET\", object = \"adele@contoso.com\", status = 500 }".to_owned(),
        ),
        (
            "{ target = \"lost_reply\", user = \"adele@contoso.com\", method = \"PATCH\" }",
            format!("{patch}, status = 0 }}"),
        ),
        ("{ target = \"slow\", method = \"PATCH\" }", format!("{patch}, status = 0 }}")),
        ("{ target = \"slow\", method = \"PATCH\", latency = \"29s\" }", format!("{patch}, status = 200 }}")),
        ("{ target = \"error\", user = \"ben@contoso.com\" }", format!("{patch}, status = 200 }}")),
        (
            "{ target = \"throttled\", method = \"PATCH\", times = 1, retry_after = \"5m\" }",
            format!("{patch}, status = 429 }}, {patch}, status = 200 }}"),
        ),
        ("{ target = \"unauthorized\" }", "{ path = \"/Users\", status = 401 }".to_owned()),
        ("{ target = \"down\" }", "{ path = \"/Users\", status = 0 }".to_owned()),
    ];
    for (fault, requests) in cases {
        passes(&with_fault(fault, &format!("expect.requests = [{requests}]")));
    }
}

#[test]
fn what_was_done_before_the_answer_was_lost_is_done() {
    for fault in ["lost_reply", "slow"] {
        passes(&with_fault(
            &format!("{{ target = \"{fault}\", method = \"PATCH\", times = 1 }}"),
            "expect.target.user.\"adele@contoso.com\".title = \"Director\"\nexpect.job.escrows = 1\n\
             [[step]]\nuntil = \"job.settled\"\nexpect.no_requests = [{ method = \"PATCH\" }]",
        ));
    }
}

#[test]
fn faults_end_and_the_newest_goes_first() {
    passes(&with_fault(
        "[{ target = \"error\", status = 500 }, { target = \"error\", status = 503, times = 1 }]",
        "expect.ordered = true\nexpect.requests = [{ status = 503 }]\nexpect.job.status = \"Quarantine\"\n\
         [[step]]\nfault = { target = \"none\" }\nuntil = \"job.active\"\n\
         expect.target.user.\"adele@contoso.com\".title = \"Director\"",
    ));
}

#[test]
fn a_fault_of_the_source_is_no_deletion() {
    for (fault, result) in [
        ("missing", "Failed"),
        ("truncated", "Failed"),
        ("empty", "Failed"),
        ("half_written", "Failed"),
        // Nobody can tell.
        ("stale", "Succeeded"),
    ] {
        let nothing_is_sent = format!(
            "expect.requests = []\nexpect.only = true\nexpect.job.result = \"{result}\"\nexpect.target.users = 3"
        );
        passes(&format!(
            "{}\n[[step]]\nfault = {{ source = \"none\" }}\nuntil = \"job.cycle\"\n\
             expect.target.user.\"adele@contoso.com\".title = \"Director\"\n",
            with_fault(&format!("{{ source = \"{fault}\" }}"), &nothing_is_sent)
        ));
    }
}

#[test]
fn somebody_else_may_change_delete_and_renumber_accounts() {
    let step = |fault: &str, expect: &str| {
        passes(&format!("[[step]]\ndo = \"initial cycle\"\n[[step]]\nfault = {fault}\n{expect}\n"));
    };
    step(
        "{ target = \"forgets\", user = \"ben@contoso.com\" }",
        "expect.target.user.\"ben@contoso.com\".absent = true",
    );
    step("{ target = \"forgets\", group = \"Sales\" }", "expect.target.groups = 0");
    step(
        "{ target = \"edited\", user = \"ben@contoso.com\", set = { active = false, title = \"Boss\" } }",
        "expect.target.user.\"ben@contoso.com\" = { active = false, title = \"Boss\" }",
    );
    step(
        "{ target = \"renumbers\", user = \"ben@contoso.com\" }",
        "expect.target.users = 3\nexpect.target.user.\"ben@contoso.com\".displayName = \"Ben Ito\"\nadvance = \"40m\"",
    );
}

/// The front door of this app asks for a token, deletes nobody, and only rehearses in Test Mode.
#[test]
fn what_somebody_else_does_needs_no_token_and_is_no_rehearsal() {
    let story = "[[step]]\nconsole = \"new token\"\ndo = \"set token\"\n[[step]]\ndo = \"initial cycle\"\n\
                 expect.target.users = 3\n";
    let outcomes = [
        (
            "{ target = \"edited\", user = \"ben@contoso.com\", set = { title = \"Boss\" } }",
            "expect.target.user.\"ben@contoso.com\".title = \"Boss\"",
        ),
        (
            "{ target = \"forgets\", user = \"ben@contoso.com\" }",
            "expect.target.user.\"ben@contoso.com\".absent = true",
        ),
        ("{ target = \"renumbers\", user = \"ben@contoso.com\" }", "expect.target.users = 3"),
    ];
    for console in ["new token", "test mode on"] {
        for (fault, expect) in outcomes {
            let text = text_of(&format!(
                "{story}[[step]]\nconsole = \"{console}\"\n[[step]]\nfault = {fault}\n{expect}\n"
            ));
            let text = text.replacen('\n', "\napp = \"knowbe4\"\n", 1);
            let report = scenario::run(&parsed(&text), &Options::embedded());
            assert_eq!(report.verdict.as_str(), "passed", "{console}: {fault}: {report}");
        }
    }
}

#[test]
fn an_account_that_is_there_and_can_not_be_changed_so_is_told_from_one_that_is_not_there() {
    let report = played(
        "[[step]]\ndo = \"initial cycle\"\n[[step]]\nfault = { target = \"edited\", user = \"ben@contoso.com\", set = { nonsense = 1 } }\n",
    );
    let [failure] = report.failures() else { panic!("{report}") };
    assert_eq!(failure.got, "the app refuses what `edited` does to `ben@contoso.com`");
}

#[test]
fn what_can_not_be_done_breaks_the_scenario_at_its_line() {
    for (step, words) in [
        ("edit = { user = \"ben@contoso.com\", restore = true }", "`ben@contoso.com` is not deleted"),
        ("edit = { group = \"Sales\", assign = true }", "`Sales` is assigned already"),
        (
            "edit = { user = \"ben@contoso.com\", unassign = true }",
            "`ben@contoso.com` is not assigned itself",
        ),
        (
            "edit = { group = \"Sales\", add_members = [\"ben@contoso.com\"] }",
            "`ben@contoso.com` is a member of it already",
        ),
        (
            "fault = { target = \"forgets\", user = \"zoe@contoso.com\" }",
            "the app has no account of `zoe@contoso.com`",
        ),
        ("do = \"allow deletions\"", "the deletion guard holds nothing back"),
        ("do = \"pause\"", "a job that has not run has nothing to pause"),
    ] {
        let report = played(&format!("[[step]]\n[[step]]\n{step}\n"));
        assert_eq!(report.verdict.as_str(), "broken", "{report}");
        let [failure] = report.failures() else { panic!("{report}") };
        assert!(failure.got.contains(words), "{}", failure.got);
        assert_eq!(failure.step, 2);
        // The step's own line, or that of the name in it.
        assert!([Some(36), Some(37)].contains(&failure.place.line), "{failure:?}");
    }
}

#[test]
fn a_job_is_paused_started_restarted_and_disabled() {
    passes(
        "[[step]]\ndo = \"initial cycle\"\n\
         [[step]]\ndo = \"pause\"\nadvance = \"2h\"\nexpect.job = { status = \"Paused\", schedule = \"Paused\", cycles = 0 }\n\
         [[step]]\ndo = \"start\"\nuntil = \"job.cycle\"\nexpect.job = { status = \"Active\", cycles = 1 }\n\
         [[step]]\ndo = \"restart\"\nreset = \"full\"\nadvance = \"40m\"\nexpect.no_requests = [{ method = \"POST\" }]\n\
         expect.requests = [{ method = \"GET\", path = \"/Users?filter=userName eq \\\"ben@contoso.com\\\"\" }]\n\
         [[step]]\ndo = \"cycle\"\nexpect.job.cycles = 1\n\
         [[step]]\nfault = { target = \"down\" }\nuntil = \"job.disabled\"\nexpect.job = { schedule = \"Disabled\", cycles = 33 }\n\
         [[step]]\ndo = \"cycle\"\nexpect.job.cycles = 0\n",
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

/// The statuses of what an initial cycle posts under a fault, in order.
fn initial(seed: u64, fault: &str) -> Vec<u16> {
    let text = text_of(&format!("[[step]]\ndo = 'initial cycle'\nfault = {{ {fault} }}\n"));
    let report = scenario::run(&parsed(&format!("seed = {seed}\n{text}")), &Options::embedded());
    let posts = report.exchanges.iter().filter(|exchange| exchange.request.method == "POST");
    posts
        .map(|exchange| match &exchange.outcome {
            Outcome::Response(response) => response.status,
            Outcome::Error(_) => 0,
        })
        .collect()
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
