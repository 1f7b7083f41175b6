//! `--list-kinds`: what may stand as `kind`, in a list for people and in one for programs.

use serde_json::Value;

use crate::sandbox::Sandbox;

fn listed(flag: &str) -> Vec<String> {
    let finished = Sandbox::new().run(&["fedmsg-hub", flag]);
    finished.expect_success().lines
}

#[test]
fn a_hub_lists_its_kinds_with_their_params_for_people() {
    let lines = listed("--list-kinds");
    for expected in [
        "[consumers.NAME] kind = \"log\"",
        "  Writes a line to the log for each message.",
        "  Gets # from endpoints by default.",
        "  params.payload: integer, at least 0; default 200",
        "  params.argv: list of text; required",
        "  params.time_limit: time; default \"5m\"",
        "[producers.NAME] kind = \"heartbeat\"",
    ] {
        assert!(
            lines.iter().any(|line| line == expected),
            "no {expected:?} in {lines:#?}"
        );
    }
}

#[test]
fn a_hub_lists_its_kinds_for_programs() {
    let kinds: Value = serde_json::from_str(&listed("--list-kinds=json").join("\n")).unwrap();
    let kinds = kinds.as_array().unwrap();
    let log = kinds.iter().find(|it| it["kind"] == "log").unwrap();
    assert_eq!(log["table"], "consumers");
    assert_eq!(log["source"], "endpoints");
    assert_eq!(log["params"]["properties"]["payload"]["default"], 200);
    let dialect = "https://json-schema.org/draft/2020-12/schema";
    assert_eq!(log["params"]["$schema"], dialect);
}

#[test]
fn every_built_in_kind_and_every_parameter_says_what_it_is_for() {
    let kinds: Value = serde_json::from_str(&listed("--list-kinds=json").join("\n")).unwrap();
    for kind in kinds.as_array().unwrap() {
        let name = &kind["kind"];
        assert!(
            kind["about"].as_str().unwrap().len() > 10,
            "{name}: const ABOUT"
        );
        let properties = kind["params"]["properties"].as_object();
        for (key, property) in properties.into_iter().flatten() {
            assert!(property["description"].is_string(), "{name}: {key}");
        }
    }
}
