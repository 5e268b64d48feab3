//! Faults that an app denies: its answers are fine and its content is not. Entra never looks again, so the end state is
//! wrong, and the expectation names the request that was not done as it was answered. What the oracle says of all of
//! them is in `tests/data/oracle/verdicts.toml`.

use super::super::fails;

/// What is wrong after this step under this fault, which ends before it is looked at: expected, got, and the request to
/// blame, without ids.
#[track_caller]
fn wrong_after(edit: &str, fault: &str, expect: &str) -> [String; 3] {
    let (failure, guilty) = fails(&format!(
        "[[step]]\ndo = 'initial cycle'\n\
         [[step]]\nat = '+40m'\nedit = {{ {edit} }}\nfault = {{ {fault} }}\nexpect.job.result = 'Succeeded'\n\
         [[step]]\nfault = {{ target = 'none' }}\nadvance = '80m'\nexpect.job.escrows = 0\n{expect}\n"
    ));
    let is_id = |word: &str| word.len() == 36 && word.matches('-').count() == 4;
    let words = guilty.split([' ', '/', '=']).filter(|word| !word.is_empty() && !is_id(word));
    [failure.expected, failure.got, words.collect::<Vec<_>>().join(" ")]
}

#[test]
fn a_patch_that_is_answered_and_ignored_is_blamed() {
    let wrong = wrong_after(
        "user = 'adele@contoso.com', set = { jobTitle = 'Director' }",
        "target = 'patch_ignored'",
        "expect.target.user.'adele@contoso.com'.title = 'Director'",
    );
    assert_eq!(wrong, ["\"Director\"", "absent", "PATCH Users Add title Director 200"]);
}

#[test]
fn a_removal_of_one_member_that_wipes_all_is_blamed() {
    let wrong = wrong_after(
        "group = 'Sales', remove_members = ['ben@contoso.com']",
        "target = 'remove_wipes'",
        "expect.target.group.Sales.members = ['adele@contoso.com']",
    );
    assert_eq!(wrong, ["[\"adele@contoso.com\"]", "nobody", "PATCH Groups Remove members 204"]);
}
