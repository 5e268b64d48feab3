//! The app-role functions (`mapping.md 8`).

use std::borrow::Cow;

use crate::expression::AppRole;
use crate::expression::error::EvaluationError;
use crate::expression::evaluate::{Arguments, Machine};
use crate::expression::switches::{RoleNone, RoleSeveral, RoleText};
use crate::expression::value::{Datum, role_json};

type Result<'v> = std::result::Result<Datum<'v>, EvaluationError>;

/// The roles at the first place; none for null.
fn roles<'v>(
    arguments: &mut Arguments<'v>,
    machine: &Machine<'v, '_, '_>,
) -> std::result::Result<&'v [AppRole], EvaluationError> {
    match arguments.take(0) {
        Datum::Roles(roles) => Ok(roles),
        Datum::Null if machine.switches().role_none == RoleNone::Error => {
            Err(EvaluationError::new("the object has no app role assignment"))
        }
        Datum::Null => Ok(&[]),
        Datum::Text(_) | Datum::List(_) | Datum::Integer(_) | Datum::Boolean(_) | Datum::Instant(_) => {
            Err(EvaluationError::new("`[appRoleAssignments]` was expected"))
        }
    }
}

fn role_text<'v>(role: &'v AppRole, machine: &Machine<'v, '_, '_>) -> &'v str {
    match machine.switches().role_text {
        RoleText::DisplayName => &role.display_name,
        RoleText::Value => &role.value,
    }
}

/// `AppRoleAssignmentsComplex` and `AssertiveAppRoleAssignmentsComplex` (`mapping.md 7.2 and 7.3`), which differ in
/// what they send and not in their value.
pub(in crate::expression) fn app_role_assignments_complex<'v>(
    arguments: &mut Arguments<'v>,
    machine: &mut Machine<'v, '_, '_>,
) -> Result<'v> {
    let roles = roles(arguments, machine)?;
    machine.count_steps(roles.len())?;
    Ok(match roles {
        [] => Datum::Null,
        [_, ..] => Datum::List(Cow::Owned(roles.iter().map(role_json).collect())),
    })
}

/// `SingleAppRoleAssignment` (`mapping.md 7.38`); the message is the observed one, as spelt there.
pub(in crate::expression) fn single_app_role_assignment<'v>(
    arguments: &mut Arguments<'v>,
    machine: &mut Machine<'v, '_, '_>,
) -> Result<'v> {
    let roles = roles(arguments, machine)?;
    if 1 < roles.len() && machine.switches().role_several == RoleSeveral::Error {
        let found = roles.len();
        return Err(EvaluationError::new(format!(
            "No more than one app role assignment was expected, but this many where found: {found}"
        )));
    }
    Ok(roles.first().map_or(Datum::Null, |role| Datum::Text(Cow::Borrowed(role_text(role, machine)))))
}

/// `AppRoleAssignments` (`mapping.md 7.45`): all roles as one text.
pub(in crate::expression) fn app_role_assignments<'v>(
    arguments: &mut Arguments<'v>,
    machine: &mut Machine<'v, '_, '_>,
) -> Result<'v> {
    let roles = roles(arguments, machine)?;
    let texts: Vec<&str> = roles.iter().map(|role| role_text(role, machine)).collect();
    Ok(if texts.is_empty() { Datum::Null } else { Datum::owned(texts.join(",")) })
}
