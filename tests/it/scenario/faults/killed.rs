//! The process of the job is killed around a request: what it had not noted is found again, and nobody is made twice.

use super::super::{parsed, passes, text_of};

/// An initial cycle that is killed, and what comes of it: `requests` as the journal has them.
fn killed(fault: &str, users: u32, requests: &str) -> String {
    format!(
        "[[step]]\ndo = 'initial cycle'\nfault = {{ {fault} }}\nexpect.requests = [{requests}]\n\
         expect.target.users = {users}\nexpect.job.cycles = 0\n\
         [[step]]\ndo = 'cycle'\nexpect.job.cycles = 1\nexpect.target.users = 3\nexpect.oracle = 'clean'\n"
    )
}

#[test]
fn a_create_that_never_left_is_sent_and_one_that_nobody_heard_of_is_found() {
    let ben = "user = 'ben@contoso.com', method = 'POST'";
    let sent = "{ method = 'POST', path = '/Users', object = 'ben@contoso.com' }";
    // One worker: Carla and Adele come before Ben.
    passes(&format!(
        "{}expect.requests = [{sent}]\n",
        killed(&format!("process = 'killed', {ben}"), 2, "{ method = 'POST', count = 2 }")
    ));
    passes(&format!(
        "{}expect.no_requests = [{sent}]\n",
        killed(&format!("process = 'killed_unheard', {ben}"), 3, "{ method = 'POST', count = 2 }")
    ));
}

#[test]
fn a_process_dies_once_or_as_often_as_it_is_told() {
    // While time moves it is started again at once, and goes on.
    passes(
        "[[step]]\nfault = { process = 'killed', method = 'POST' }\nadvance = '1m'\nexpect.job.cycles = 1\n\
         expect.target.users = 3\n",
    );
    passes(
        "[[step]]\nfault = { process = 'killed_unheard', method = 'POST', times = 3 }\nadvance = '1m'\n\
         expect.job.cycles = 1\nexpect.target.users = 3\nexpect.oracle = 'clean'\n",
    );
    passes(
        "[[step]]\nfault = { process = 'killed', after = 2 }\n\
         [[step]]\nfault = { process = 'none' }\ndo = 'cycle'\nexpect.job.cycles = 1\n",
    );
    // What ends the faults of the app does not end this one.
    passes(
        "[[step]]\nfault = { process = 'killed' }\n\
         [[step]]\nfault = { target = 'none' }\ndo = 'cycle'\nexpect.job.cycles = 0\n",
    );
}

#[test]
fn whoever_is_renamed_after_an_unheard_create_is_found_under_the_old_name() {
    passes(
        "[[step]]\ndo = 'initial cycle'\n\
         fault = { process = 'killed_unheard', user = 'ben@contoso.com', method = 'POST' }\n\
         [[step]]\nedit = { user = 'ben@contoso.com', set = { userPrincipalName = 'benno@contoso.com' } }\n\
         do = 'cycle'\nexpect.target.users = 3\nexpect.oracle = 'clean'\n\
         expect.target.user.'benno@contoso.com'.userName = 'benno@contoso.com'\n",
    );
}

#[test]
fn kills_need_the_embedded_app() {
    for word in ["killed", "killed_unheard"] {
        let scenario = parsed(&text_of(&format!("[[step]]\nfault = {{ process = '{word}' }}\n")));
        assert_eq!(scenario.needs_embedded(), Some(format!("the fault `{word}` needs the embedded app")));
    }
}
