//! `man`: the manual page of the program or of a command.

use super::arguments::ManArguments;
use super::context::Context;
use super::{Exit, Failure, command};
use crate::diagnostic::did_you_mean;

pub(super) fn run(context: &Context, arguments: &ManArguments) -> Result<Exit, Failure> {
    let page = match &arguments.command {
        None => command(),
        Some(name) => page_of(name)?,
    };
    let mut text = Vec::new();
    clap_mangen::Man::new(page)
        .render(&mut text)
        .map_err(|error| Failure::new(Exit::Defect, "can not render the manual page").because(&error))?;
    context.output.text(String::from_utf8_lossy(&text).trim_end())?;
    Ok(Exit::Fine)
}

fn page_of(name: &str) -> Result<clap::Command, Failure> {
    let mut program = command();
    // Only a built command knows the arguments of every command.
    program.build();
    if let Some(found) = program.find_subcommand(name) {
        let title = format!("scimulator-{name}");
        return Ok(found.clone().display_name(title));
    }
    let failure = Failure::new(Exit::Usage, format!("there is no command `{name}`"));
    Err(match did_you_mean(name, program.get_subcommands().map(clap::Command::get_name)) {
        Some(near) => failure.help(format!("did you mean `{near}`?")),
        None => failure,
    })
}
