//! The userPrincipalName of guests (`mapping.md 5.5`).

use std::borrow::Cow;

/// What stands between a guest's home address and the tenant.
const GUEST_MARK: &str = "#EXT#@";

/// A userPrincipalName as mappings see it: a guest's `alias_theirdomain#EXT#@yourdomain` becomes
/// `alias@theirdomain`; any other is unchanged. A domain holds no underscore, so the last one was the at sign.
///
/// ```
/// use scimulator::mapping::shorten_guest_upn;
///
/// assert_eq!(shorten_guest_upn("ada_l_fabrikam.com#EXT#@contoso.com"), "ada_l@fabrikam.com");
/// assert_eq!(shorten_guest_upn("grace@contoso.com"), "grace@contoso.com");
/// ```
pub fn shorten_guest_upn(upn: &str) -> Cow<'_, str> {
    let mark = upn.to_ascii_uppercase().find(GUEST_MARK);
    match mark.and_then(|at| upn.get(..at)).and_then(|home| home.rsplit_once('_')) {
        Some((alias, domain)) if !alias.is_empty() && !domain.is_empty() => {
            Cow::Owned(format!("{alias}@{domain}"))
        }
        Some(_) | None => Cow::Borrowed(upn),
    }
}
