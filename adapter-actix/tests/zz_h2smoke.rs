mod kit;
use neurolink_core::server::{Adapter as _, Shutdown};
use neurolink_actix::Actix;
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn h2() {
    let kit = kit::Kit::new("/api");
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (_h, shutdown) = Shutdown::new();
    let actix = Actix::new().http2(true).workers(1);
    tokio::spawn(actix.serve(kit.app.clone(), listener, shutdown));
    for args in [vec!["-s","-i","--http2-prior-knowledge"], vec!["-s","-I","--http2-prior-knowledge"], vec!["-s","-i","-X","DELETE","--http2-prior-knowledge"], vec!["-s","-i","-d","hello","--http2-prior-knowledge"], vec!["-s","-i"], vec!["-s","-i","-X","POST","-H","content-type: application/json","--http2-prior-knowledge"]] {
        for path in ["/api/exact","/api/seen/x","/api/none","/api/echo","/api/length", "/api/json"] {
            let out = tokio::process::Command::new("curl").args(&args).arg("-m").arg("3").arg(format!("http://localhost:{}{path}", address.port())).output().await.unwrap();
            let t = String::from_utf8_lossy(&out.stdout).into_owned();
            println!("{args:?} {path}: {} | {:?}", t.lines().next().unwrap_or(""), t.lines().filter(|l| l.starts_with("content-length")).collect::<Vec<_>>());
            println!("   {:?} {:?}", t.split("\r\n\r\n").nth(1), out.status.code());
        }
    }
}
