use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::os::unix::net::UnixListener;

use neurolink::serve::ServeConfig;
use neurolink::server::{Event, Networks, Server, ServerError};
use neurolink::{Framework, Registration, middleware};
use tokio::net::UnixStream;

use crate::kit::{Files, GET, app, ask, data, start_at};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_unix_socket_is_served_and_its_file_is_gone_after_the_stop() {
    for framework in Framework::ALL {
        let folder = Files::new(&format!("unix-{framework}"));
        let path = folder.path().join("server.sock");
        let address = format!("unix:{}", path.display());
        // A socket that nobody listens on any more is in the way.
        drop(UnixListener::bind(&path).expect("a socket"));
        let (server, _) = start_at(framework, app(|_| ()), ServeConfig::default(), &address).await;
        assert_eq!(std::fs::metadata(&path).expect("a file").permissions().mode() & 0o777, 0o660, "{framework}");
        assert_eq!((server.status().unix, server.status().address), (Some(path.clone()), None), "{framework}");
        let told = data(&ask(UnixStream::connect(&path).await.expect("connects"), GET).await);
        assert_eq!((&told["unix"], &told["peer"]), (&true.into(), &serde_json::Value::Null), "{framework}: {told}");
        assert_eq!(told["client"], serde_json::Value::Null, "{framework}");
        server.stop().await.expect("stops");
        assert!(!path.exists(), "{framework}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn its_peer_is_a_trusted_proxy_only_if_that_is_said() {
    const FORWARDED: &str = "GET /api/conn HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: https\r\n\
         Connection: close\r\n\r\n";
    for framework in Framework::ALL {
        let folder = Files::new(&format!("trust-{framework}"));
        for (trusted, client, https) in
            [(&["0.0.0.0/0", "::/0"][..], None, false), (&["unix"], Some("192.0.2.7"), true)]
        {
            let path = folder.path().join("server.sock");
            let app = app(|settings| settings.trusted_proxies = trusted.iter().map(ToString::to_string).collect());
            let address = format!("unix:{}", path.display());
            let (server, _) = start_at(framework, app, ServeConfig::default(), &address).await;
            let told = data(&ask(UnixStream::connect(&path).await.expect("connects"), FORWARDED).await);
            assert_eq!((told["client"].as_str(), &told["https"]), (client, &https.into()), "{framework}: {told}");
            server.stop().await.expect("stops");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_needs_an_address_fails_there_unless_a_proxy_tells_one() {
    use neurolink::routes::OfflineEngine;
    use neurolink::{App, Route};
    use std::time::Duration;

    for framework in Framework::ALL {
        let folder = Files::new(&format!("limit-{framework}"));
        let path = folder.path().join("server.sock");
        let limit = middleware::RateLimit::fixed_window(5, Duration::from_secs(60));
        let app = App::builder(OfflineEngine::new())
            .configure(|settings| settings.trusted_proxies = vec!["unix".into()])
            .middleware(Registration::new(limit))
            .route(Route::get("/api/conn", async || "x"))
            .build()
            .expect("valid");
        let (server, _) = start_at(framework, app, ServeConfig::default(), &format!("unix:{}", path.display())).await;
        let told = GET.replacen("\r\n", "\r\nX-Forwarded-For: 192.0.2.7\r\n", 1);
        for (request, status) in [(GET, "500"), (&told, "200")] {
            let answer = ask(UnixStream::connect(&path).await.expect("connects"), request).await;
            assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{framework}: {answer}");
        }
        server.stop().await.expect("stops");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proxy_header_may_come_over_it() {
    for framework in Framework::ALL {
        let folder = Files::new(&format!("header-{framework}"));
        let path = folder.path().join("server.sock");
        let config = ServeConfig::default().proxy_protocol(Networks::parse(["unix"]).expect("valid"));
        let (server, _) = start_at(framework, app(|_| ()), config, &format!("unix:{}", path.display())).await;
        let header = "PROXY TCP4 192.0.2.7 192.0.2.1 50123 443\r\n";
        let told = data(&ask(UnixStream::connect(&path).await.expect("connects"), format!("{header}{GET}")).await);
        assert_eq!(told["client"], "192.0.2.7", "{framework}: {told}");
        server.stop().await.expect("stops");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_is_handed_over_is_told_by_its_file_and_outlives_the_stop() {
    let folder = Files::new("handed-over");
    let path = folder.path().join("server.sock");
    let listener = UnixListener::bind(&path).expect("a socket");
    let adapter = Framework::Axum.adapter().expect("compiled in");
    let server = Server::builder(app(|_| ())).adapter(adapter).listener(listener).build().expect("valid");
    let mut events = server.events();
    server.initialize().expect("initializes");
    server.start().await.expect("starts");
    assert_eq!((server.status().unix, server.status().address), (Some(path.clone()), None));
    let started = async {
        loop {
            if let Event::Started { address } = events.next().await.expect("it lives").expect("none is missed") {
                return address;
            }
        }
    };
    assert_eq!(started.await, None);
    data(&ask(UnixStream::connect(&path).await.expect("connects"), GET).await);
    server.stop().await.expect("stops");
    assert!(path.exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_in_use_or_no_socket_is_left_alone() {
    let folder = Files::new("in-use");
    let (used, file) = (folder.path().join("used.sock"), folder.path().join("notes.txt"));
    let _listening = UnixListener::bind(&used).expect("a socket");
    std::fs::write(&file, "mine").expect("writes");
    for path in [&used, &file] {
        let adapter = Framework::Axum.adapter().expect("compiled in");
        let builder = Server::builder(app(|_| ())).adapter(adapter).bind(format!("unix:{}", path.display()));
        let server = builder.build().expect("valid");
        server.initialize().expect("initializes");
        let error = server.start().await.expect_err("it is taken");
        assert!(matches!(error, ServerError::Bind { .. }), "{error}");
    }
    assert!(std::fs::metadata(&used).expect("it is there").file_type().is_socket());
    assert_eq!(std::fs::read_to_string(&file).expect("it is there"), "mine");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_successor_that_has_taken_the_place_keeps_its_file() {
    let folder = Files::new("successor");
    let path = folder.path().join("server.sock");
    let address = format!("unix:{}", path.display());
    let (first, _) = start_at(Framework::Axum, app(|_| ()), ServeConfig::default(), &address).await;
    std::fs::remove_file(&path).expect("it is there");
    let (second, _) = start_at(Framework::Axum, app(|_| ()), ServeConfig::default(), &address).await;
    first.stop().await.expect("stops");
    data(&ask(UnixStream::connect(&path).await.expect("connects"), GET).await);
    second.stop().await.expect("stops");
    assert!(!path.exists());
}
