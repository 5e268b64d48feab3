//! The arguments of `directory`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::expression::{Assignment, parse_assignment};

/// Arguments of `directory`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  scimulator directory list\n  scimulator directory disable adele@contoso.com\n\n\
                        An edit stands until the object's row changes in the file."
)]
pub struct DirectoryArguments {
    /// What to do with the directory.
    #[command(subcommand)]
    pub command: DirectoryCommand,
}

/// What to do with the directory.
#[derive(Debug, Subcommand)]
pub enum DirectoryCommand {
    /// List users and groups.
    #[command(
        after_help = "Examples:\n  scimulator directory list\n  scimulator directory list --format json | jq '.value[].name'"
    )]
    List,
    /// Show a user or group: attributes, state, groups, assignments, accounts.
    #[command(after_help = "Examples:\n  scimulator directory show adele@contoso.com\n  \
                            scimulator directory show Sales --format json")]
    Show(ObjectArguments),
    /// Set attributes of a user or group; an empty value clears one.
    #[command(
        after_help = "Examples:\n  scimulator directory set adele@contoso.com department=Sales jobTitle=\n  \
                      scimulator directory set adele@contoso.com otherMails=a@x.com otherMails=b@x.com"
    )]
    Set {
        /// A userPrincipalName, an objectId or a group's displayName.
        #[arg(value_name = "OBJECT")]
        object: String,
        /// The attributes; a name set several times is a list.
        #[arg(value_name = "ATTR=VALUE", required = true, value_parser = parse_assignment)]
        set: Vec<Assignment>,
    },
    /// Block a user's sign-in: accountEnabled becomes False.
    #[command(after_help = "Examples:\n  scimulator directory disable adele@contoso.com")]
    Disable(ObjectArguments),
    /// Move a user to the recycle bin, or delete a group.
    #[command(after_help = "Examples:\n  scimulator directory delete adele@contoso.com")]
    Delete(ObjectArguments),
    /// Take a user out of the recycle bin.
    #[command(after_help = "Examples:\n  scimulator directory restore adele@contoso.com")]
    Restore(ObjectArguments),
    /// Delete a user for good, from the recycle bin or at once.
    #[command(after_help = "Examples:\n  scimulator directory purge adele@contoso.com")]
    Purge(ObjectArguments),
    /// Assign a user or group to the application: of the job that --job names, else of every job.
    #[command(after_help = "Examples:\n  scimulator directory assign Sales\n  \
                            scimulator directory assign adele@contoso.com --role Admin --job staging")]
    Assign(AssignmentArguments),
    /// Take an assignment back; without --role every one.
    #[command(after_help = "Examples:\n  scimulator directory unassign Sales\n  \
                            scimulator directory unassign adele@contoso.com --role Admin")]
    Unassign(AssignmentArguments),
    /// Add a member to a group.
    #[command(after_help = "Examples:\n  scimulator directory add-member Sales adele@contoso.com")]
    AddMember(MemberArguments),
    /// Remove a member from a group.
    #[command(after_help = "Examples:\n  scimulator directory remove-member Sales adele@contoso.com")]
    RemoveMember(MemberArguments),
    /// Accept that rows vanished from the files, of whatever sort, so that the import goes on.
    #[command(after_help = "Examples:\n  scimulator directory accept")]
    Accept,
    /// Write a made-up directory of any size.
    #[command(after_help = "Examples:\n  scimulator directory generate --users 10000 big\n  \
                            scimulator directory generate --users 500 --seed 7 small")]
    Generate {
        /// How many users.
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
        users: u32,
        /// The same seed gives the same directory.
        #[arg(long, value_name = "N", default_value_t = 0)]
        seed: u64,
        /// The folder to write into; it must not hold these files yet.
        #[arg(value_name = "DIR")]
        dir: PathBuf,
    },
}

/// One user or group.
#[derive(Debug, Args)]
pub struct ObjectArguments {
    /// A userPrincipalName, an objectId or a group's displayName.
    #[arg(value_name = "OBJECT")]
    pub object: String,
}

/// A user or group and a role of the application.
#[derive(Debug, Args)]
pub struct AssignmentArguments {
    /// A userPrincipalName, an objectId or a group's displayName.
    #[arg(value_name = "PRINCIPAL")]
    pub principal: String,
    /// The role, by its value; without it default access.
    #[arg(long, value_name = "VALUE")]
    pub role: Option<String>,
}

/// A group and one of its members.
#[derive(Debug, Args)]
pub struct MemberArguments {
    /// The group's displayName or objectId.
    #[arg(value_name = "GROUP")]
    pub group: String,
    /// The member's userPrincipalName, displayName or objectId.
    #[arg(value_name = "MEMBER")]
    pub member: String,
}
