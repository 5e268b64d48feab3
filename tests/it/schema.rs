//! Mappings and filters as `synchronizationSchema`: what comes out, what goes in, and what a job does with it.

use std::path::Path;

use scimulator::client::Exchange;
use scimulator::covers;
use scimulator::diagnostic::{Severity, has_errors};
use scimulator::directory::object::ObjectKind;
use scimulator::engine::CycleKind;
use scimulator::gallery;
use scimulator::mapping::template::Template;
use scimulator::mapping::{FlowBehavior, FlowType, MappingSource, ObjectMapping};
use scimulator::runner::Watch;
use scimulator::schema::{Identity, Imported, export, import};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::filters_in_jobs::Bench;
use crate::sources::root;
use crate::wire::bodies::options;

fn default_mappings() -> Vec<ObjectMapping> {
    gallery::template(gallery::DEFAULT, &options()).unwrap().mappings
}

fn document(mappings: &[ObjectMapping]) -> Value {
    let mappings: Vec<&ObjectMapping> = mappings.iter().collect();
    let guid = |part: &str| format!("guid of {part}");
    export(&mappings, Identity { id: "scim.tenant.job", version: "1", guid: &guid })
}

fn short() -> Value {
    let text = std::fs::read_to_string(root().join("tests/data/schema/short.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn imported(document: &Value) -> Imported {
    import(document, &default_mappings(), &options()).unwrap_or_else(|findings| panic!("{findings:#?}"))
}

#[test]
fn export_and_import_are_inverse_on_every_profile_that_ships() {
    for name in gallery::names() {
        let template = gallery::template(name, &options()).unwrap();
        let first = document(&template.mappings);
        let read = imported(&first);
        assert_eq!(read.mappings, template.mappings, "{name}");
        assert_eq!(read.warnings, [], "{name}");
        assert_eq!(read.document, first, "{name}: nothing to fill in");
        assert_eq!(document(&read.mappings), first, "{name}");
    }
}

/// Everything that a profile can say and the shipped ones need not.
const ODD: &str = r#"
name = "odd"
title = "Odd"

[user]
name = "Users"
target = "urn:example:User"
delete = false
filters = [
    { name = "A", clauses = [{ attribute = "badge", operator = "REGEX MATCH", value = "^\\d\"+$" }] },
    { name = "B", kind = "input", clauses = [{ attribute = "mail", operator = "IS NOT NULL" }] },
    { name = "C", kind = "category", clauses = [{ attribute = "city", operator = "!&", value = "Rome,Oslo" }] },
]
attributes = [
    { name = "id", anchor = true, mutability = "ReadOnly" },
    { name = "userName", required = true, case_exact = false },
    { name = "nickName", filterable = false, default = "-" },
    { name = "title", mutability = "Immutable" },
    { name = "locale" },
    { name = "timezone", flow_null_values = true },
    { name = "roles", multivalued = true },
]
mappings = [
    { expression = 'Replace([badge], "-", , , "_", , )', target = "userName", matching = 2 },
    { constant = 'a "b" \ c', target = "nickName", flow_type = "ObjectAddOnly" },
    { target = "title", default = "none" },
    { attribute = "extension_0a_x", target = "locale", flow_behavior = "FlowAlways", default = "en" },
    { expression = 'Mid([badge], 1, 8)', target = "timezone", matching = 1, flow_type = "AttributeAddOnly" },
    { attribute = "otherMails", target = "roles", flow_type = "MultiValueAddOnly" },
]
"#;

#[test]
fn nothing_that_a_mapping_says_is_lost_on_the_way() {
    let (template, findings) = Template::parse(ODD, Path::new("odd.toml"), &options());
    let mappings = template.unwrap_or_else(|| panic!("{findings:?}")).mappings;
    let first = document(&mappings);
    let read = imported(&first);
    covers!("M-012", "M-026");
    assert_eq!(read.mappings, mappings);
    assert_eq!(read.document, first);

    let mapping = &first["synchronizationRules"][0]["objectMappings"][0];
    assert_eq!(mapping["flowTypes"], "Add, Update");
    let rows = mapping["attributeMappings"].as_array().unwrap();
    covers!("M-196");
    assert_eq!(
        rows[1]["source"],
        json!({"expression": r#""a \"b\" \\ c""#, "name": r#"a "b" \ c"#, "parameters": [], "type": "Constant"})
    );
    assert_eq!(rows[2]["source"], Value::Null);
    assert_eq!(
        rows[3]["source"],
        json!({"expression": "[extension_0a_x]", "name": "extension_0a_x", "parameters": [], "type": "Attribute"})
    );
    let attributes = first["directories"][0]["objects"][0]["attributes"].as_array().unwrap();
    let own: Vec<&str> = attributes
        .iter()
        .filter(|one| one["metadata"] == json!([{"key": "IsCustomerDefined", "value": "true"}]))
        .map(|one| one["name"].as_str().unwrap())
        .collect();
    assert_eq!(own, ["badge", "extension_0a_x"], "what only this directory has");
}

#[test]
fn the_default_document_has_the_names_of_the_sheet() {
    let document = document(&default_mappings());
    covers!("G-103", "G-104", "M-070", "M-078");
    let names: Vec<_> = document["directories"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
    assert_eq!(names, ["Azure Active Directory", "customappsso"]);
    let rule = &document["synchronizationRules"][0];
    assert_eq!(rule["name"], "USERGROUP_OUTBOUND_USERGROUP");
    assert_eq!(
        (&rule["sourceDirectoryName"], &rule["targetDirectoryName"]),
        (&json!("Azure Active Directory"), &json!("customappsso"))
    );
    let mappings = rule["objectMappings"].as_array().unwrap();
    let shown: Vec<_> = mappings
        .iter()
        .map(|one| (one["name"].as_str().unwrap(), one["targetObjectName"].as_str().unwrap()))
        .collect();
    assert_eq!(
        shown,
        [
            (
                "Provision Microsoft Entra ID Users",
                "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
            ),
            ("Provision Microsoft Entra ID Groups", "urn:ietf:params:scim:schemas:core:2.0:Group"),
        ]
    );
    assert_eq!(mappings[0]["flowTypes"], "Add, Update, Delete");
    assert_eq!(
        mappings[0]["scope"],
        json!({"categoryFilterGroups": [], "groups": [], "inputFilterGroups": []})
    );
    let rows = mappings[0]["attributeMappings"].as_array().unwrap();
    assert_eq!(rows.len(), 22);
    assert_eq!(
        rows[0],
        json!({"defaultValue": null, "exportMissingReferences": false, "flowBehavior": "FlowWhenChanged",
            "flowType": "Always", "matchingPriority": 1, "targetAttributeName": "userName",
            "source": {"expression": "[userPrincipalName]", "name": "userPrincipalName", "parameters": [],
                "type": "Attribute"}})
    );
    let members = &document["directories"][0]["objects"][1]["attributes"];
    let members = members.as_array().unwrap().iter().find(|one| one["name"] == "members").unwrap();
    assert_eq!(members["metadata"], json!([{"key": "IsContainer", "value": "true"}]));
}

#[test]
fn the_short_example_of_the_sheet_is_understood() {
    let read = imported(&short());
    let [users] = &read.mappings[..] else { panic!("users alone: {:?}", read.mappings) };
    assert_eq!((users.kind, users.name.as_str()), (ObjectKind::User, "Users"));
    assert_eq!((users.create, users.update, users.delete), (true, true, true));
    assert_eq!(users.scope.groups[0].clauses[0].text(), "department EQUALS 'Sales'");
    let rows: Vec<_> = users
        .attributes
        .iter()
        .map(|row| (row.target.as_str(), row.matching_priority, row.default_value.as_deref()))
        .collect();
    assert_eq!(rows, [("userName", 1, None), ("active", 0, None), ("preferredLanguage", 0, Some("en-US"))]);
    assert_eq!(users.attributes[0].source, MappingSource::Direct("userPrincipalName".to_owned()));
    assert_eq!(users.attributes[2].source, MappingSource::None);
    assert!(!users.target.attributes["userName"].case_exact);
    let told: Vec<&str> = read.warnings.iter().map(|warning| warning.message.as_str()).collect();
    assert_eq!(
        told,
        [
            "synchronizationRules[0].objectMappings[0].targetObjectName: the document does not define `active`, \
             `preferredLanguage`; taken from the job's own list of target attributes",
            "synchronizationRules[0].objectMappings[0].sourceObjectName: the document does not define \
             `IsSoftDeleted`, `department`, `userPrincipalName`, which Entra knows",
        ]
    );
    assert_eq!(read.document, short(), "nothing of it is lost");
}

#[test]
fn the_expression_decides_and_the_tree_only_without_it() {
    covers!("M-012", "M-197");
    let row = "/synchronizationRules/0/objectMappings/0/attributeMappings/1";
    let mut document = short();
    let written = document.pointer_mut(row).unwrap();
    written["source"]["expression"] = json!("Not( [accountEnabled] )");
    written.as_object_mut().unwrap().remove("flowBehavior");
    written.as_object_mut().unwrap().remove("exportMissingReferences");
    let read = imported(&document);
    let mapping = &read.mappings[0].attributes[1];
    assert_eq!(mapping.source.attributes(), ["accountEnabled"], "not the tree's IsSoftDeleted");
    assert_eq!(mapping.flow_behavior, FlowBehavior::FlowWhenChanged);
    let row_read = read.document.pointer(row).unwrap();
    assert_eq!(row_read["source"]["expression"], "Not([accountEnabled])");
    assert_eq!(row_read["source"]["parameters"][0]["value"]["name"], "accountEnabled");
    assert_eq!(
        (&row_read["flowBehavior"], &row_read["exportMissingReferences"]),
        (&json!("FlowWhenChanged"), &json!(false))
    );

    written_without_expression(&mut document, row);
    let read = imported(&document);
    assert_eq!(read.mappings[0].attributes[1].source.attributes(), ["IsSoftDeleted"]);
    assert_eq!(read.document.pointer(row).unwrap()["source"]["expression"], "Not([IsSoftDeleted])");
}

fn written_without_expression(document: &mut Value, row: &str) {
    let source = document.pointer_mut(row).unwrap()["source"].as_object_mut().unwrap();
    source.remove("expression");
}

#[test]
fn flow_types_and_kinds_are_read_in_every_spelling() {
    for (text, expected) in [
        ("Add,Update,Delete", (true, true, true)),
        ("Delete , Add", (true, false, true)),
        ("None", (false, false, false)),
        ("Update", (false, true, false)),
    ] {
        let mut document = short();
        document["synchronizationRules"][0]["objectMappings"][0]["flowTypes"] = json!(text);
        let read = imported(&document);
        let users = &read.mappings[0];
        assert_eq!((users.create, users.update, users.delete), expected, "{text}");
    }
    for flow_type in FlowType::ALL {
        let mut document = short();
        document["synchronizationRules"][0]["objectMappings"][0]["attributeMappings"][2]["flowType"] =
            json!(flow_type.as_str());
        assert_eq!(imported(&document).mappings[0].attributes[2].flow_type, *flow_type);
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Faults {
    case: Vec<Fault>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fault {
    name: String,
    at: String,
    put: Option<String>,
    #[serde(default)]
    errors: Vec<String>,
    #[serde(default)]
    warnings: Vec<String>,
    help: Option<String>,
}

fn altered(at: &str, put: Option<&str>) -> Value {
    let mut document = short();
    let put: Option<Value> = put.map(|text| serde_json::from_str(text).unwrap());
    if at.is_empty() {
        return put.unwrap();
    }
    let (parent, member) = at.rsplit_once('/').unwrap();
    let parent = document.pointer_mut(parent).unwrap();
    match (parent, put) {
        (Value::Object(members), Some(put)) => drop(members.insert(member.to_owned(), put)),
        (Value::Object(members), None) => drop(members.remove(member).unwrap()),
        (Value::Array(items), Some(put)) => items[member.parse::<usize>().unwrap()] = put,
        other => panic!("{other:?}"),
    }
    document
}

#[test]
fn mistakes_refuse_a_document_as_a_whole_and_have_their_path() {
    covers!("M-057", "M-059", "M-198", "E-054");
    let text = std::fs::read_to_string(root().join("tests/data/schema/faults.toml")).unwrap();
    let faults: Faults = toml::from_str(&text).unwrap();
    for case in faults.case {
        let document = altered(&case.at, case.put.as_deref());
        let result = import(&document, &default_mappings(), &options());
        assert_eq!(result.is_err(), !case.errors.is_empty(), "{}: {result:?}", case.name);
        let findings = match result {
            Ok(read) => {
                assert_eq!(read.document, document, "{}: kept as it was", case.name);
                read.warnings
            }
            Err(findings) => findings,
        };
        for (severity, wanted) in [(Severity::Error, &case.errors), (Severity::Warning, &case.warnings)] {
            for fragment in wanted {
                assert!(
                    findings
                        .iter()
                        .any(|found| found.severity == severity && found.message.contains(fragment)),
                    "{}: {fragment} in {findings:#?}",
                    case.name
                );
            }
        }
        if let Some(help) = &case.help {
            assert!(
                findings.iter().any(|found| found.help.as_ref() == Some(help)),
                "{}: {findings:?}",
                case.name
            );
        }
        assert_eq!(has_errors(&findings), !case.errors.is_empty(), "{}", case.name);
    }
}

#[test]
fn a_multi_valued_directory_extension_can_not_be_mapped_and_a_single_one_can() {
    for (multivalued, expression, refused) in [
        (false, "[extension_0a_tags]", false),
        (false, "ToUpper([extension_0a_tags])", false),
        (true, "[extension_0a_tags]", true),
        (true, "Join(\",\", [extension_0a_tags])", true),
    ] {
        let mut document = short();
        let attributes = document.pointer_mut("/directories/0/objects/0/attributes").unwrap();
        let attributes = attributes.as_array_mut().unwrap();
        attributes.push(json!({ "name": "extension_0a_tags", "type": "String", "multivalued": multivalued }));
        let rows = "/synchronizationRules/0/objectMappings/0/attributeMappings";
        document.pointer_mut(rows).unwrap()[1]["source"] = json!({ "expression": expression });
        let result = import(&document, &default_mappings(), &options());
        assert_eq!(result.is_err(), refused, "{expression}: {result:?}");
        if let Err(findings) = result {
            let message =
                "attributeMappings[1].source: `extension_0a_tags` is a multi-valued directory extension";
            assert!(findings.iter().any(|found| found.message.contains(message)), "{findings:?}");
        }
    }
    covers!("M-082");
}

/// `wire.md 12.3`, and `mapping.md 6.2` for what an expression may hold.
#[test]
fn every_member_and_kind_of_mapping_is_as_the_sheet_has_it() {
    let exported = document(&default_mappings());
    let rule = &exported["synchronizationRules"][0];
    let directories: Vec<_> =
        exported["directories"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
    assert_eq!(directories, ["Azure Active Directory", "customappsso"]);
    assert_eq!(rule["name"], "USERGROUP_OUTBOUND_USERGROUP");
    let mappings = rule["objectMappings"].as_array().unwrap();
    assert_eq!(mappings[0]["name"], "Provision Microsoft Entra ID Users");
    assert_eq!(mappings[1]["name"], "Provision Microsoft Entra ID Groups");
    for mapping in mappings {
        // Graph writes a blank after each comma; both spellings are read (`mapping.md 10`).
        assert_eq!(mapping["flowTypes"].as_str().unwrap().replace(' ', ""), "Add,Update,Delete");
        for row in mapping["attributeMappings"].as_array().unwrap() {
            let mut members: Vec<&str> = row.as_object().unwrap().keys().map(String::as_str).collect();
            members.sort_unstable();
            assert_eq!(
                members,
                [
                    "defaultValue",
                    "exportMissingReferences",
                    "flowBehavior",
                    "flowType",
                    "matchingPriority",
                    "source",
                    "targetAttributeName"
                ]
            );
            let matches = ["userName", "displayName"].contains(&row["targetAttributeName"].as_str().unwrap());
            let first = row["source"]["name"] == "userPrincipalName"
                || (mapping["sourceObjectName"] == "Group" && row["source"]["name"] == "displayName");
            assert_eq!(row["matchingPriority"], i32::from(matches && first), "{row}");
        }
    }
    covers!("W-224", "W-225");

    let kind = |text: &str| -> Result<MappingSource, String> {
        let mut document = short();
        let rows = "/synchronizationRules/0/objectMappings/0/attributeMappings";
        document.pointer_mut(rows).unwrap()[2]["source"] = serde_json::from_str(text).unwrap();
        let read = import(&document, &default_mappings(), &options());
        let source = |read: Imported| read.mappings[0].attributes[2].source.clone();
        read.map(source).map_err(|findings| findings[0].message.clone())
    };
    assert_eq!(kind(r#"{ "expression": "[mail]" }"#), Ok(MappingSource::Direct("mail".to_owned())));
    assert_eq!(
        kind(r#"{ "expression": "\"a \\\"b\\\" c\"" }"#),
        Ok(MappingSource::Constant("a \"b\" c".to_owned())),
        "a backslash before a quote stands for the quote"
    );
    assert!(matches!(kind(r#"{ "expression": "ToUpper([mail])" }"#), Ok(MappingSource::Expression(_))));
    assert_eq!(kind("null"), Ok(MappingSource::None));
    // The call around the text takes 17 characters.
    let long = |characters: usize| {
        let text = format!("Append(\"{}\",[mail])", "x".repeat(characters - 17));
        kind(&json!({ "expression": text }).to_string())
    };
    assert!(long(10_000).is_ok());
    let refused = long(10_001).unwrap_err();
    assert!(refused.contains("10000") || refused.contains("10,000"), "{refused}");
    covers!("W-226");
}

#[test]
fn an_imported_schema_runs_from_the_next_cycle_on() {
    let bench = Bench::new("");
    bench.cycle();
    let before = bench.app();
    bench.project.write("short.json", &short().to_string());
    bench.project.scimulator(["schema", "import", "short.json"]).assert().success();
    let status = bench.project.scimulator(["status"]).assert().success();
    assert!(String::from_utf8_lossy(&status.get_output().stderr).contains("runs an imported schema"));
    let check = bench.project.scimulator(["check"]).assert().success();
    assert!(String::from_utf8_lossy(&check.get_output().stderr).contains("runs an imported schema"));

    let result = bench.cycle();
    covers!("E-009", "E-053", "M-015");
    assert_eq!(result.kind, CycleKind::Initial);
    assert_eq!((result.statistics.actions.created, result.statistics.actions.disabled), (0, 2), "links stay");
    let active = bench.app().into_iter().filter(|(_, active)| *active).map(|(name, _)| name);
    assert_eq!(active.collect::<Vec<_>>(), ["Finance", "Sales", "ann@contoso.com"], "groups are left alone");
    let content = bench.store().embedded_content("j").unwrap();
    let ann = content.iter().find(|one| one["userName"] == "ann@contoso.com").unwrap();
    assert_eq!(ann["preferredLanguage"], "en-US", "the None mapping fills the gap");
    assert_eq!(bench.cycle().kind, CycleKind::Incremental);

    bench.project.scimulator(["schema", "reset"]).assert().success();
    assert_eq!(bench.cycle().kind, CycleKind::Initial);
    assert_eq!(bench.app(), before, "the default mappings and no filter");
}

#[test]
fn what_the_program_exports_it_imports_and_a_refused_file_changes_nothing() {
    let bench = Bench::new("");
    let exported = |bench: &Bench| {
        let run = bench.project.scimulator(["schema", "export"]).assert().success();
        serde_json::from_slice::<Value>(&run.get_output().stdout).unwrap()
    };
    let first = exported(&bench);
    bench.cycle();
    let mut import = bench.project.scimulator(["schema", "import", "-", "--format", "json"]);
    let told = import.write_stdin(first.to_string()).assert().success();
    let told: Value = serde_json::from_slice(&told.get_output().stdout).unwrap();
    assert_eq!(told, json!({"job": "j", "warnings": []}));
    covers!("G-091");
    assert_eq!(exported(&bench), first);
    assert_eq!(bench.cycle().kind, CycleKind::Incremental, "nothing changed, so nothing starts over");

    let mut changed = first.clone();
    changed["synchronizationRules"][0]["objectMappings"][0]["attributeMappings"][2]["flowType"] =
        json!("ObjectAddOnly");
    changed["synchronizationRules"][0]["priority"] = json!(7);
    bench.project.write("changed.json", &changed.to_string());
    bench.project.scimulator(["schema", "import", "changed.json"]).assert().success();
    let second = exported(&bench);
    assert_eq!(second["id"], first["id"]);
    assert_ne!(second["version"], first["version"]);
    assert_eq!(second["synchronizationRules"], changed["synchronizationRules"]);

    bench.project.write("broken.json", &changed.to_string().replace("ObjectAddOnly", "ObjectAdOnly"));
    let refused = bench.project.scimulator(["schema", "import", "broken.json"]).assert().code(2);
    let stderr = String::from_utf8_lossy(&refused.get_output().stderr).into_owned();
    assert!(stderr.contains("broken.json") && stderr.contains("attributeMappings[2].flowType"), "{stderr}");
    bench.project.write("nojson.json", "{\n  \"id\": }");
    let refused = bench.project.scimulator(["schema", "import", "nojson.json"]).assert().code(2);
    assert!(String::from_utf8_lossy(&refused.get_output().stderr).contains("nojson.json:2:9"));
    assert_eq!(exported(&bench), second, "a refused document changes nothing");

    bench.project.scimulator(["schema", "export", "out.json"]).assert().success();
    assert_eq!(serde_json::from_str::<Value>(&bench.project.read("out.json")).unwrap(), second);
}

/// `mapping.md` OQ-25, in an imported document and in the cycle that runs it.
#[test]
fn a_source_attribute_that_the_document_does_not_define_refuses_it_or_is_null_as_chosen() {
    for (settings, taken) in [("", false), ("[job.fidelity]\nunknown_attributes = \"null\"\n", true)] {
        let bench = Bench::new(settings);
        let run = bench.project.scimulator(["schema", "export"]).assert().success();
        let mut schema: Value = serde_json::from_slice(&run.get_output().stdout).unwrap();
        let row = &mut schema["synchronizationRules"][0]["objectMappings"][0]["attributeMappings"][3];
        assert_eq!(row["targetAttributeName"], "title");
        row["source"] =
            json!({"expression": "[shoeSize]", "name": "shoeSize", "parameters": [], "type": "Attribute"});
        bench.project.write("schema.json", &schema.to_string());
        let import = bench.project.scimulator(["schema", "import", "schema.json"]).output().unwrap();
        let said = String::from_utf8_lossy(&import.stderr).into_owned();
        assert_eq!(import.status.code(), Some(if taken { 0 } else { 2 }), "{said}");
        assert!(said.contains("a User has no attribute `shoeSize`"), "{said}");
        if taken {
            bench.cycle();
            let content = bench.store().embedded_content("j").unwrap();
            let ann = content.iter().find(|one| one["userName"] == "ann@contoso.com").unwrap();
            assert_eq!((&ann["displayName"], &ann["title"]), (&json!("Ann"), &Value::Null));
        }
    }
    covers!("M-098");
}

/// Saves a schema while the first exchange of a cycle is under way.
struct Saving<'b>(&'b Bench, bool);

impl Watch for Saving<'_> {
    fn exchanged(&mut self, _exchange: &Exchange) {
        if !std::mem::replace(&mut self.1, true) {
            self.0.project.scimulator(["schema", "import", "schema.json"]).assert().success();
        }
    }
}

#[test]
fn a_schema_saved_while_a_cycle_runs_lets_it_end_and_then_starts_over() {
    let bench = Bench::new("");
    bench.cycle();
    let export = bench.project.scimulator(["schema", "export"]).assert().success();
    let mut document: Value = serde_json::from_slice(&export.get_output().stdout).unwrap();
    for mapping in
        document["synchronizationRules"][0]["objectMappings"][0]["attributeMappings"].as_array_mut().unwrap()
    {
        if mapping["targetAttributeName"] == "title" {
            mapping["flowType"] = json!("ObjectAddOnly");
        }
    }
    bench.project.write("schema.json", &document.to_string());
    bench.project.write(
        "directory/users.csv",
        "objectId,userPrincipalName,displayName,mailNickname,department,accountEnabled\n\
         u1,ann@contoso.com,Ann,ann,Legal,true\nu2,bob@contoso.com,Bob,bob,Finance,true\nu3,cyd@contoso.com,Cyd,cyd,,true\n",
    );
    let mut saving = Saving(&bench, false);
    let running = bench.cycle_watched(&mut saving);
    assert!(saving.1);
    assert_eq!((running.kind, running.statistics.actions.updated), (CycleKind::Incremental, 1));
    assert_eq!(bench.cycle().kind, CycleKind::Initial);
    assert_eq!(bench.cycle().kind, CycleKind::Incremental);
    covers!("E-013");
}
