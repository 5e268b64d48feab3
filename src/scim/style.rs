//! How requests are shaped: the dialect and the switches of `wire.md 13` and `mapping.md 11` that change bytes.
//! [`Style::default`] is the recommended default of each.

/// Declares an enum whose variants have names in the configuration.
macro_rules! switch {
    ($(#[$about:meta])* $name:ident { $( $(#[$note:meta])* $variant:ident = $text:literal, )+ }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
        pub enum $name { $( $(#[$note])* $variant, )+ }

        impl $name {
            /// Every choice.
            pub const ALL: &'static [Self] = &[$( Self::$variant, )+];

            /// Its name in the configuration.
            pub fn as_str(self) -> &'static str {
                match self { $( Self::$variant => $text, )+ }
            }

            /// The choice of exactly this name.
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $( $text => Some(Self::$variant), )+ _ => None }
            }
        }
    };
}

switch! {
    /// The three ways the service has spoken (`wire.md 0.3`).
    Dialect {
        /// Jobs of the template `scim` without a flag: what nearly all servers see.
        #[default]
        Default = "default",
        /// With `aadOptscim062020` in the tenant URL: lower-case verbs, booleans, merged path-less operations.
        Optscim = "optscim",
        /// Jobs of the template `customappsso`: frozen in 2018, best effort.
        Legacy2018 = "legacy2018",
    }
}

switch! {
    /// How a Boolean target is written in an update of the default dialect, and throughout in `legacy2018`
    /// (`wire.md 13` #1).
    ActiveStyle {
        /// The expression's own text, such as `"False"`.
        #[default]
        String = "string",
        /// A JSON boolean.
        Boolean = "boolean",
    }
}

switch! {
    /// How a manager is set (`wire.md 4.7`).
    ManagerStyle {
        /// The bare id.
        #[default]
        String = "string",
        /// `{"value": "<id>"}`.
        Object = "object",
        /// The path `manager` with `[{"$ref": "<URL>", "value": "<id>"}]`.
        Array = "array",
    }
}

switch! {
    /// How a lost manager is removed (`wire.md 4.7`, 13 #2).
    ManagerRemoveStyle {
        /// What the dialect does: [`Self::Filter`] in `optscim`, else [`Self::Value`].
        #[default]
        Dialect = "dialect",
        /// `Remove` with path and the id as value.
        Value = "value",
        /// `Remove` with the path filtered by the id.
        Filter = "filter",
        /// The same without the URN: `manager[value eq "<id>"]`.
        FilterWithoutUrn = "filter_without_urn",
        /// `Remove` with the path alone.
        PathOnly = "path_only",
        /// `Replace` with `""`.
        EmptyString = "empty_string",
        /// `Replace` with `{"value": ""}`.
        EmptyObject = "empty_object",
    }
}

switch! {
    /// The body of a group POST (`wire.md 3.5`, 13 #10).
    GroupCreateStyle {
        /// What the dialect does: [`Self::Documented`] in `legacy2018`, else [`Self::Observed`].
        #[default]
        Dialect = "dialect",
        /// With `members: []`.
        Observed = "observed",
        /// Without `members`.
        Plain = "plain",
        /// The tutorial's: a second schema URI, no `members`.
        Documented = "documented",
    }
}

switch! {
    /// `primary` of a `roles` element that a path names (`wire.md 13` #14).
    RolesStyle {
        /// `"primary": true`.
        #[default]
        Boolean = "boolean",
        /// `"primary": "True"`, as the path has it.
        String = "string",
    }
}

switch! {
    /// A double quote inside a value to be matched (`wire.md 2.1` rule 5, 13 #15).
    FilterEscape {
        /// No query: the object fails with the reason.
        #[default]
        Refuse = "refuse",
        /// Nothing: it goes out as `%22`, which ends the literal early.
        None = "none",
        /// Quote and backslash get a backslash before them, as RFC 7644 wants.
        Backslash = "backslash",
    }
}

switch! {
    /// A list mapped onto a single-valued target (`mapping.md` OQ-31).
    ListOnSingle {
        /// The object fails with `SchemaPropertyCanOnlyAcceptValue`.
        #[default]
        Error = "error",
        /// The first value flows.
        First = "first",
    }
}

switch! {
    /// What `optscim` merges (`wire.md 13` #24).
    OptscimMerge {
        /// A single replaced attribute goes path-less too; `active` stays apart.
        #[default]
        Single = "single",
        /// A single replaced attribute keeps its path; `active` stays apart.
        Several = "several",
        /// As [`Self::Single`], and `active` is merged with others; alone it keeps its path.
        Active = "active",
    }
}

switch! {
    /// Where the client id and secret stand in a token request (`wire.md 1.3`, 13 #19; W-011, W-012).
    CredentialLocation {
        /// In the header: HTTP Basic.
        #[default]
        Header = "header",
        /// In the form.
        Body = "body",
    }
}

switch! {
    /// The first member of a PATCH body (`wire.md 13` #26).
    EnvelopeOrder {
        /// `schemas`, then `Operations`.
        #[default]
        SchemasFirst = "schemas_first",
        /// `Operations`, then `schemas`.
        OperationsFirst = "operations_first",
    }
}

/// Members one PATCH carries at most, added and removed together (`wire.md 13` #8): the cap that large targets
/// publish for themselves. Further members go in further requests.
pub const MEMBER_BATCH: usize = 100;

/// All the switches that shape requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Style {
    /// The dialect.
    pub dialect: Dialect,
    /// `active_style`.
    pub active_style: ActiveStyle,
    /// `manager_style`.
    pub manager_style: ManagerStyle,
    /// `manager_remove_style`.
    pub manager_remove_style: ManagerRemoveStyle,
    /// `member_batch`: members a PATCH carries at most; 0 counts as 1.
    pub member_batch: usize,
    /// `member_ref_null`: member entries carry `"$ref": null` (`wire.md 13` #11); `legacy2018` always does so.
    pub member_ref_null: bool,
    /// `group_create_style`.
    pub group_create_style: GroupCreateStyle,
    /// `roles_style`.
    pub roles_style: RolesStyle,
    /// `roles_always`: a user POST without roles has `roles: []` (`wire.md 13` #14).
    pub roles_always: bool,
    /// `filter_escape`.
    pub filter_escape: FilterEscape,
    /// `list_on_single`.
    pub list_on_single: ListOnSingle,
    /// `optscim_merge`.
    pub optscim_merge: OptscimMerge,
    /// `envelope_order`.
    pub envelope_order: EnvelopeOrder,
    /// `none_fills_gaps`: a None mapping's default fills a gap on update too (`mapping.md` OQ-28).
    pub none_fills_gaps: bool,
    /// `empty_flows`: an empty text is a value, not null (`mapping.md` OQ-21).
    pub empty_flows: bool,
    /// `typed_json_values`: a value for an Integer target is a JSON number, not text (`mapping.md` OQ-30).
    pub typed_json_values: bool,
    /// `primary_marks`: the `work` e-mail of a POST has `"primary": true` unasked (`mapping.md` OQ-29).
    pub primary_marks: bool,
    /// `flow_null_values`: a null source value clears the target where definition and mapping say so (`mapping.md`
    /// OQ-27).
    pub flow_null_values: bool,
    /// `switch_null_defect`: what a Switch makes of null is evaluated too (`mapping.md` OQ-32).
    pub switch_null_defect: bool,
    /// `assertive_none`: losing the last role sends an empty replace (`mapping.md` OQ-15).
    pub assertive_none: bool,
}

impl Style {
    /// Whether an update carries a Boolean target as the expression's own text (`wire.md 4.2`, 13 #1).
    pub fn updates_with_boolean_text(&self) -> bool {
        match self.dialect {
            Dialect::Default | Dialect::Legacy2018 => self.active_style == ActiveStyle::String,
            Dialect::Optscim => false,
        }
    }

    /// Whether a create does: before 2020 it did (`wire.md 3.1`).
    pub fn creates_with_boolean_text(&self) -> bool {
        self.dialect == Dialect::Legacy2018 && self.updates_with_boolean_text()
    }
}

impl Default for Style {
    fn default() -> Self {
        Self {
            dialect: Dialect::default(),
            active_style: ActiveStyle::default(),
            manager_style: ManagerStyle::default(),
            manager_remove_style: ManagerRemoveStyle::default(),
            member_batch: MEMBER_BATCH,
            member_ref_null: false,
            group_create_style: GroupCreateStyle::default(),
            roles_style: RolesStyle::default(),
            roles_always: false,
            filter_escape: FilterEscape::default(),
            list_on_single: ListOnSingle::default(),
            optscim_merge: OptscimMerge::default(),
            envelope_order: EnvelopeOrder::default(),
            none_fills_gaps: true,
            empty_flows: false,
            typed_json_values: true,
            primary_marks: true,
            flow_null_values: false,
            switch_null_defect: false,
            assertive_none: false,
        }
    }
}
