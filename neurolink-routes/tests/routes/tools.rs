use neurolink_core::App;
use neurolink_core::engine::ToolInfo;
use neurolink_routes::{OfflineEngine, WithRoutes as _, agent, health, tools};
use serde_json::{Value, json};

use crate::support::*;

const EXECUTE: &str = "/api/tools/execute";

fn names(data: &Value) -> Vec<&str> {
    let tools = data["tools"].as_array().expect("tools");
    tools.iter().filter_map(|tool| tool["name"].as_str()).collect()
}

fn tool(name: &str, description: &str, source: &str, schema: Value) -> ToolInfo {
    let mut tool = ToolInfo::new(name, description, schema);
    tool.source = source.into();
    tool
}

/// An app whose tools have awkward names.
fn awkward() -> App {
    let tools = vec![
        tool("search", "Finds things", "files", json!({})),
        tool("execute", "Runs things", "shell", json!({})),
        tool("a/b c", "Über alles", "files", json!({})),
        tool("wrap", "Has params", "files", json!({"properties": {"params": {"type": "object"}}})),
    ];
    App::builder(Custom { mood: Mood::Fine, tools: Some(CustomTools(tools)) }).all_routes().build().expect("valid")
}

#[tokio::test]
async fn tools_are_listed_and_described() {
    let app = app();
    let data = get(&app, "/api/tools").await.data();
    assert_eq!(names(&data), ["calculate", "echo", "time"]);
    assert_eq!(data["total"], 3);
    let one = get(&app, "/api/tools/calculate").await.data();
    assert_eq!(one, data["tools"][0]);
    assert_eq!(one["inputSchema"]["required"], json!(["expression"]));
    assert_eq!(one["source"], "built-in");
}

#[tokio::test]
async fn tools_are_searched() {
    let app = awkward();
    for (query, expected) in [
        ("", &["search", "execute", "a/b c", "wrap"][..]),
        ("?q=RUNS", &["execute"]),
        ("?q=%C3%BCber+ALLES", &["a/b c"]),
        ("?source=files&q=s", &["search", "a/b c", "wrap"]),
        ("?source=file", &[]),
        ("?limit=2", &["search", "execute"]),
        ("?q=none&q=wrap", &["wrap"]),
        ("?limit=0007&q=", &["search", "execute", "a/b c", "wrap"]),
    ] {
        let data = get(&app, &format!("/api/tools/search{query}")).await.data();
        assert_eq!(names(&data), expected, "{query}");
        assert_eq!(data["total"], expected.len());
        assert!(data["tools"].as_array().expect("tools").iter().all(|tool| tool.get("inputSchema").is_none()));
    }
    assert_eq!(get(&app, "/api/tools/search").await.data()["query"], Value::Null);
    assert_eq!(get(&app, "/api/tools/search?q=a").await.data()["query"], "a");
}

// Shows O-D38.
#[tokio::test]
async fn a_wrong_limit_is_refused() {
    for (limit, code) in [
        ("0", "too_small"),
        ("201", "too_big"),
        ("99999999999999999999999", "too_big"),
        ("-1", "invalid_type"),
        ("abc", "invalid_type"),
        ("1.5", "invalid_type"),
        ("", "invalid_type"),
    ] {
        let answer = get(&app(), &format!("/api/tools/search?limit={limit}")).await;
        assert_eq!(answer.invalid("Invalid query parameters"), pairs(&[("limit", code)]), "{limit}");
    }
}

#[tokio::test]
async fn a_tool_is_called_by_its_name_in_the_body() {
    let app = app();
    let request = json!({"name": "calculate", "arguments": {"expression": "6*7"}, "sessionId": "s", "userId": "u"});
    let data = post_json(&app, EXECUTE, request).await.data();
    assert_eq!((&data["success"], &data["data"]), (&json!(true), &json!({"result": 42})));
    assert_eq!(data["metadata"], json!({"toolName": "calculate", "sessionId": "s"}));
    assert!(data["duration"].is_u64());
    let data = post_json(&app, EXECUTE, json!({"name": "time"})).await.data();
    assert_eq!(data["data"], json!({"time": NOW}));
    assert_eq!(data["metadata"], json!({"toolName": "time", "sessionId": null}));
    // Arguments are free, the fields around them are not.
    let twice = r#"{"name":"echo","arguments":{"text":"a","text":"b"}}"#;
    assert_eq!(post(&app, EXECUTE, twice).await.data()["data"], json!({"text": "b"}));
    let answer = post(&app, EXECUTE, r#"{"name":"time","name":"echo"}"#).await;
    assert_eq!(answer.invalid("Invalid request body"), pairs(&[("name", "duplicate_key")]));
}

#[tokio::test]
async fn a_tool_is_called_by_its_name_in_the_path() {
    let app = app();
    let path = "/api/tools/calculate/execute";
    for body in [json!({"expression": "6*7"}), json!({"params": {"expression": "6*7"}})] {
        let data = post_json(&app, path, body).await.data();
        assert_eq!((&data["success"], &data["data"]), (&json!(true), &json!({"result": 42})));
        assert_eq!(data["metadata"], json!({"toolName": "calculate"}));
    }
    for body in ["", "null", "{}"] {
        let data = post(&app, "/api/tools/time/execute", body).await.data();
        assert_eq!(data["data"]["time"], NOW, "{body}");
    }
    // Arguments are free: a repeated field has its last value.
    let data = post(&app, "/api/tools/echo/execute", r#"{"text":"a","text":"b"}"#).await.data();
    assert_eq!(data["data"], json!({"text": "b"}));
}

#[tokio::test]
async fn only_a_lone_params_object_is_unwrapped() {
    let app = awkward();
    for (tool, body, with) in [
        ("search", json!({"params": {"a": 1}}), json!({"a": 1})),
        ("search", json!({"params": {"a": 1}, "b": 2}), json!({"params": {"a": 1}, "b": 2})),
        ("search", json!({"params": 1}), json!({"params": 1})),
        ("wrap", json!({"params": {"a": 1}}), json!({"params": {"a": 1}})),
    ] {
        let data = post_json(&app, &format!("/api/tools/{tool}/execute"), body).await.data();
        assert_eq!(data["data"], json!({"called": tool, "with": with}));
    }
}

#[tokio::test]
async fn a_failing_tool_is_an_answer() {
    let app = app();
    let by_body = json!({"name": "calculate", "arguments": {"expression": "1/0"}});
    let by_body = post_json(&app, EXECUTE, by_body).await.data();
    let by_path = post_json(&app, "/api/tools/calculate/execute", json!({"expression": "1/0"})).await.data();
    for data in [by_body, by_path] {
        assert_eq!((&data["success"], &data["error"]), (&json!(false), &json!("division by zero")));
        assert!(data["duration"].is_u64());
        assert!(data.get("data").is_none() && data.get("metadata").is_none());
    }
}

// Shows O-D8.
#[tokio::test]
async fn what_went_wrong_inside_of_a_tool_stays_inside() {
    let app = awkward();
    let by_body = post_json(&app, EXECUTE, json!({"name": "wrap", "arguments": {"fail": 1}})).await.data();
    let by_path = post_json(&app, "/api/tools/wrap/execute", json!({"fail": 1})).await.data();
    for data in [by_body, by_path] {
        assert_eq!((&data["success"], &data["error"]), (&json!(false), &json!("the tool failed")));
        assert!(!data.to_string().contains("sk-123"), "{data}");
    }
}

#[tokio::test]
async fn an_unknown_tool_is_404() {
    let app = app();
    for answer in [
        get(&app, "/api/tools/nope").await,
        post_json(&app, "/api/tools/nope/execute", json!({})).await,
        post_json(&app, EXECUTE, json!({"name": "nope"})).await,
    ] {
        let error = answer.error(404);
        assert_eq!((&error["code"], &error["message"]), (&json!("TOOL_NOT_FOUND"), &json!("Tool 'nope' not found")));
    }
    let long = get(&app, &format!("/api/tools/{}", "é".repeat(300).replace('é', "%C3%A9"))).await;
    assert_eq!(long.error(404)["message"], format!("Tool '{}' not found", "é".repeat(100)));
}

#[tokio::test]
async fn wrong_bodies_are_refused() {
    for (body, expected) in [
        (json!({}), &[("name", "invalid_type")][..]),
        (
            json!({"name": "", "arguments": [], "sessionId": 1, "userId": null}),
            &[
                ("name", "too_small"),
                ("arguments", "invalid_type"),
                ("sessionId", "invalid_type"),
                ("userId", "invalid_type"),
            ],
        ),
        (json!({"name": "time", "arguments": null}), &[("arguments", "invalid_type")]),
        (json!("time"), &[("", "invalid_type")]),
    ] {
        let answer = post_json(&app(), EXECUTE, body).await;
        assert_eq!(answer.invalid("Invalid request body"), pairs(expected));
    }
    for body in ["[]", "1", "\"text\"", "true"] {
        let answer = post(&app(), "/api/tools/time/execute", body).await;
        assert_eq!(answer.invalid("Invalid request body"), pairs(&[("", "invalid_type")]), "{body}");
    }
}

#[tokio::test]
async fn names_of_tools_do_not_hide_routes() {
    let app = awkward();
    assert_eq!(get(&app, "/api/tools/search").await.data()["total"], 4);
    assert_eq!(get(&app, "/api/tools/execute").await.status, 405);
    for name in ["search", "execute", "a%2Fb%20c"] {
        let data = post_json(&app, &format!("/api/tools/{name}/execute"), json!({})).await.data();
        assert_eq!(data["success"], true, "{name}");
    }
    assert_eq!(get(&app, "/api/tools/a%2Fb%20c").await.data()["name"], "a/b c");
}

#[test]
fn a_slash_at_the_end_of_the_base_changes_nothing() {
    let engine = OfflineEngine::new();
    let (agent, tools) = (agent("/api/", &engine), tools("/api/", &engine).expect("tools"));
    let app = App::builder(engine).group(health("/api/")).group(agent).group(tools);
    let plan = app.build().expect("valid").plan().clone();
    assert!(plan.routes.iter().all(|route| !route.path.contains("//")), "{plan:?}");
}

#[tokio::test]
async fn without_tools_there_are_no_routes() {
    let app = App::builder(Custom { mood: Mood::Fine, tools: None }).all_routes().build().expect("valid");
    for path in ["/api/tools", "/api/tools/search", "/api/tools/echo"] {
        assert_eq!(get(&app, path).await.status, 404, "{path}");
    }
}
