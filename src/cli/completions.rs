//! `completions`: a shell's completion script.

use super::arguments::CompletionsArguments;
use super::context::Context;
use super::{Exit, Failure, command};

pub(super) fn run(context: &Context, arguments: &CompletionsArguments) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut command(), "scimulator", &mut script);
    context.output.text(String::from_utf8_lossy(&script).trim_end())?;
    Ok(Exit::Fine)
}
