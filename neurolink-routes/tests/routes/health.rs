use http::Method;
use neurolink_core::App;
use neurolink_core::server::{Phase, Shutdown};
use neurolink_routes::WithRoutes as _;
use serde_json::json;

use crate::support::*;

#[tokio::test]
async fn public_answers_hold_status_words() {
    let with_auth = builder().middleware(Auth).all_routes().build().expect("valid");
    for app in [app(), with_auth] {
        let of = async |path: &str| get(&app, path).await.data();
        assert_eq!(
            of("/api/health").await,
            json!({"status": "ok", "timestamp": NOW, "uptime": 0, "version": "hidden"})
        );
        assert_eq!(of("/api/health/live").await, json!({"status": "alive", "timestamp": NOW}));
        let ready = json!({
            "ready": true,
            "timestamp": NOW,
            "services": {"neurolink": true, "tools": true, "externalServers": false},
        });
        assert_eq!(of("/api/health/ready").await, ready);
        assert_eq!(of("/api/ready").await, ready);
        assert_eq!(
            of("/api/health/startup").await,
            json!({
                "started": true,
                "timestamp": NOW,
                "services": {"neurolink": true, "toolsLoaded": 0, "externalServerManager": false},
            })
        );
        assert_eq!(of("/api/version").await, json!({"name": "hidden", "version": "hidden", "timestamp": NOW}));
    }
}

#[tokio::test]
async fn details_are_for_users() {
    assert_eq!(get(&app(), "/api/health/detailed").await.error(404)["code"], "NOT_FOUND");
    let app = builder().middleware(Auth).all_routes().build().expect("valid");
    assert_eq!(get(&app, "/api/health/detailed").await.error(401)["code"], "AUTH_REQUIRED");
    let details = get_as(&app, "/api/health/detailed", "ada").await.data();
    assert_eq!((&details["status"], &details["engine"]), (&json!("ok"), &json!("offline")));
    assert_eq!(details["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(details["tools"], json!({"total": 3, "bySource": {"built-in": 3}}));
    assert_eq!(details["externalServers"], json!({"count": 0, "servers": []}));
    assert!(details["uptime"].is_u64());
    #[cfg(target_os = "linux")]
    assert!(details["memory"]["process"]["rss"].as_u64().expect("MiB") > 0);
    let version = get_as(&app, "/api/version", "ada").await.data();
    assert_eq!((&version["name"], &version["version"]), (&json!("neurolink"), &json!(env!("CARGO_PKG_VERSION"))));
    assert_eq!(get_as(&app, "/api/version", "bad").await.error(401)["code"], "AUTH_INVALID");
    // Probes do not look at credentials.
    assert_eq!(get_as(&app, "/api/health/live", "bad").await.status, 200);
}

// Shows O-D35.
#[tokio::test]
async fn an_engine_that_is_not_ready_makes_readiness_503_and_nothing_else() {
    let engine = Custom { mood: Mood::NotReady, tools: None };
    let app = App::builder(engine).middleware(Auth).health_routes().build().expect("valid");
    for path in ["/api/health/ready", "/api/ready"] {
        let data = get(&app, path).await.data_of(503);
        assert_eq!((&data["ready"], &data["services"]["tools"]), (&json!(false), &json!(false)));
    }
    for path in ["/api/health", "/api/health/live", "/api/health/startup"] {
        assert_eq!(get(&app, path).await.status, 200, "{path}");
    }
    let details = get_as(&app, "/api/health/detailed", "ada").await.data();
    assert_eq!(details["status"], "unavailable");
}

#[tokio::test]
async fn a_server_on_its_way_out_is_alive_and_not_ready() {
    let (handle, shutdown) = Shutdown::new();
    let app = app().with_shutdown(shutdown);
    assert_eq!(get(&app, "/api/ready").await.status, 200);
    for phase in [Phase::NotReady, Phase::Draining, Phase::Refusing] {
        handle.advance(phase);
        for path in ["/api/ready", "/api/health/ready"] {
            assert_eq!(get(&app, path).await.data_of(503)["ready"], false, "{phase:?}");
        }
        for path in ["/api/health", "/api/health/live", "/api/health/startup"] {
            assert_eq!(get(&app, path).await.status, 200, "{path} {phase:?}");
        }
    }
    assert_eq!(get(&app, "/api/version").await.error(503)["code"], "DRAINING");
}

// Shows S0-82.
#[tokio::test]
async fn routes_follow_the_base_path() {
    for (base, prefix) in [("/", ""), ("/v1/", "/v1"), ("/a/b", "/a/b")] {
        let app = builder().configure(|settings| settings.base_path = base.into()).all_routes().build().expect("valid");
        for path in ["/health", "/ready", "/agent/providers", "/tools", "/tools/echo"] {
            assert_eq!(get(&app, &format!("{prefix}{path}")).await.status, 200, "{base} {path}");
        }
    }
}

#[tokio::test]
async fn a_probe_takes_head() {
    let response = raw(&app(), Method::HEAD, "/api/health/live", "", "").await;
    assert_eq!(response.status(), 200);
}

#[test]
fn routes_are_grouped_and_described() {
    let app = builder().middleware(Auth).all_routes().build().expect("valid");
    assert_eq!(app.plan().routes.len(), 17);
    for route in &app.plan().routes {
        assert!(!route.description.is_empty(), "{}", route.path);
        assert!(["health", "agent", "tools"].contains(&route.group.as_str()), "{}", route.group);
        let expected = match route.path.as_str() {
            "/api/version" => "optional",
            "/api/health/detailed" => "user",
            _ if route.group == "health" => "public",
            _ => "user",
        };
        assert_eq!(route.access, expected, "{}", route.path);
    }
}
