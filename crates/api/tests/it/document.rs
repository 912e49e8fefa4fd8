//! The document is whole: every reference leads somewhere, every operation has a name of its own.

use std::collections::BTreeSet;

use darkroom_api::{Code, openapi, problem};
use darkroom_core::store::MaxRunning;
use serde_json::Value;

/// Calls `see` with every value inside of `value`.
fn walk(value: &Value, see: &mut impl FnMut(&Value)) {
    see(value);
    match value {
        Value::Object(fields) => fields.values().for_each(|field| walk(field, see)),
        Value::Array(items) => items.iter().for_each(|item| walk(item, see)),
        _ => {}
    }
}

#[test]
fn every_reference_leads_to_a_schema() {
    let document = openapi::document();
    let mut seen = 0;
    walk(&document, &mut |value| {
        if let Some(reference) = value.get("$ref").and_then(Value::as_str) {
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
            seen += 1;
        }
    });
    assert!(seen > 30, "{seen} references");
}

#[test]
fn every_operation_has_an_id_of_its_own_and_says_all_its_parameters() {
    let document = openapi::document();
    let mut ids = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for operation in methods.as_object().unwrap().values() {
            assert!(ids.insert(operation["operationId"].as_str().unwrap().to_owned()), "{path}");
            let parameters = operation["parameters"].as_array().unwrap();
            let in_path = parameters.iter().filter(|parameter| parameter["in"] == "path").count();
            assert_eq!(in_path, path.matches('{').count(), "{path}");
        }
    }
    assert_eq!(ids.len(), openapi::table::endpoints().count());
}

#[test]
fn schemas_that_are_written_out_are_json() {
    let text = openapi::document().to_string();
    assert!(!text.contains(" at line "), "a schema of the table does not parse");
}

#[test]
fn each_operation_stands_alone_in_the_list_of_operations() {
    let operations = openapi::operations().operations;
    let names: Vec<&str> = operations.iter().map(|operation| operation.name.as_str()).collect();
    assert_eq!(names, darkroom_core::Operation::NAMES);
    for operation in operations {
        walk(&operation.parameters, &mut |value| assert!(value.get("$ref").is_none(), "{value}"));
        assert_eq!(operation.parameters["required"][0], "op");
        assert!(operation.description.len() > 10);
    }
}

#[test]
fn codes_are_words_with_a_status_of_their_kind() {
    let words: BTreeSet<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(words.len(), Code::ALL.len());
    let described = openapi::document()["components"]["schemas"]["Code"]["enum"].clone();
    let spelled: Vec<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(described, serde_json::json!(spelled));
    for code in Code::ALL {
        assert!((400..600).contains(&code.status()), "{code}");
        assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
        assert!(problem::page().contains(&format!("\n## {code}\n")));
    }
}

#[test]
fn the_highest_limit_of_a_queue_is_told() {
    let limit = &openapi::document()["components"]["schemas"]["QueueLimit"];
    assert_eq!(limit["required"], serde_json::json!(["max_running"]));
    let field = &limit["properties"]["max_running"];
    assert_eq!((&field["minimum"], &field["maximum"]), (&Value::from(1), &Value::from(MaxRunning::MAX)));
    assert!(problem::page().contains("1 to 100,000"), "the page says it in words");
}
