//! The `scimulator` program: parse, run, exit code. Everything else is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    scimulator::cli::main(std::env::args_os()).into()
}
