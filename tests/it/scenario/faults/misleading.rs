//! Faults that an app denies: its answers are fine and its content is not. Entra never looks again, so the end state is
//! wrong, and the expectation names the request that was not done as it was answered.

use super::super::{fails, passes};

/// What is wrong after this step under this fault, which ends before it is looked at: expected, got, and the request to
/// blame.
#[track_caller]
fn wrong_after(edit: &str, fault: &str, expect: &str) -> (String, String, String) {
    let (failure, guilty) = fails(&format!(
        "[[step]]\ndo = 'initial cycle'\n\
         [[step]]\nat = '+40m'\nedit = {{ {edit} }}\nfault = {{ {fault} }}\nexpect.job.result = 'Succeeded'\n\
         [[step]]\nfault = {{ target = 'none' }}\nadvance = '80m'\nexpect.job.escrows = 0\n{expect}\n"
    ));
    (failure.expected, failure.got, guilty)
}

#[test]
fn a_patch_that_is_answered_and_ignored_is_blamed() {
    let (expected, got, guilty) = wrong_after(
        "user = 'adele@contoso.com', set = { jobTitle = 'Director' }",
        "target = 'patch_ignored'",
        "expect.target.user.'adele@contoso.com'.title = 'Director'",
    );
    assert!(expected.contains("Director"), "{expected}");
    assert!(!got.contains("Director"), "{got}");
    assert!(guilty.starts_with("PATCH") && guilty.contains("Director") && guilty.contains("200"), "{guilty}");
}

#[test]
fn a_leaver_who_stays_active_is_blamed_on_the_ignored_disable() {
    let (_, got, guilty) = wrong_after(
        "user = 'ben@contoso.com', disable = true",
        "target = 'patch_ignored', path = '/Users/{ben@contoso.com}'",
        "expect.target.user.'ben@contoso.com'.active = false",
    );
    assert!(got.contains("true"), "{got}");
    assert!(guilty.starts_with("PATCH") && guilty.contains("active"), "{guilty}");
}

#[test]
fn a_removal_of_one_member_that_wipes_all_is_blamed() {
    let (expected, got, guilty) = wrong_after(
        "group = 'Sales', remove_members = ['ben@contoso.com']",
        "target = 'remove_wipes'",
        "expect.target.group.Sales.members = ['adele@contoso.com']",
    );
    assert!(expected.contains("adele@contoso.com"), "{expected}");
    assert!(!got.contains("adele@contoso.com"), "{got}");
    assert!(guilty.starts_with("PATCH") && guilty.contains("/Groups/"), "{guilty}");
}

#[test]
fn a_value_that_the_app_rewrites_is_blamed_on_the_request_that_sent_it() {
    let (_, got, guilty) = wrong_after(
        "user = 'zoe@contoso.com', assign = true",
        "target = 'rewrites'",
        "expect.target.user.'zoe@contoso.com'.displayName = 'Zoe Young'",
    );
    assert!(got.contains("ZOE YOUNG"), "{got}");
    assert!(guilty.starts_with("POST"), "{guilty}");

    let (_, got, guilty) = wrong_after(
        "user = 'adele@contoso.com', set = { givenName = 'Adela' }",
        "target = 'rewrites', attribute = 'name.givenName'",
        "expect.target.user.'adele@contoso.com'.name.givenName = 'Adela'",
    );
    assert!(got.contains("ADELA"), "{got}");
    assert!(guilty.starts_with("PATCH"), "{guilty}");
}

#[test]
fn a_reply_that_is_lost_after_the_commit_makes_no_second_account() {
    passes(
        "[[step]]\ndo = 'initial cycle'\n\
         [[step]]\nat = '+40m'\nedit = { user = 'zoe@contoso.com', assign = true }\n\
         fault = { target = 'lost_reply', method = 'POST', times = 1 }\nexpect.target.users = 4\nexpect.job.escrows = 1\n\
         [[step]]\nuntil = 'job.settled'\nexpect.no_requests = [{ method = 'POST' }]\nexpect.target.users = 4\n\
         expect.target.user.'zoe@contoso.com'.active = true\n",
    );
}
