use std::net::IpAddr;

use http::{HeaderMap, HeaderName};
use proptest::prelude::*;

use super::{Forwarded, Proxies, element};
use crate::Settings;
use crate::app::{ConnInfo, Scheme};

fn settings(trusted: &[&str], header: &str, hops: Option<usize>) -> Settings {
    Settings {
        trusted_proxies: trusted.iter().map(ToString::to_string).collect(),
        forwarded_header: header.into(),
        proxy_hops: hops,
        ..Settings::default()
    }
}

fn headers(lines: &[(&str, &str)]) -> HeaderMap {
    let line = |(name, value): &(&str, &str)| {
        let name: HeaderName = name.parse().expect("a name");
        (name, http::HeaderValue::from_bytes(value.as_bytes()).expect("a value"))
    };
    lines.iter().map(line).collect()
}

/// What is believed of a request from this peer behind 10.0.0.0/8.
fn said(header: &str, hops: Option<usize>, peer: &str, lines: &[(&str, &str)]) -> Forwarded {
    let proxies = Proxies::new(&settings(&["10.0.0.0/8"], header, hops)).expect("valid");
    let conn = ConnInfo::new(Some(peer.parse().expect("an address")));
    if !proxies.trusts_peer(&conn) {
        return Forwarded { client: conn.peer_address(), ..Forwarded::default() };
    }
    proxies.forwarded(&conn, &headers(lines))
}

fn client(peer: &str, lines: &[&str]) -> String {
    let lines: Vec<_> = lines.iter().map(|line| ("x-forwarded-for", *line)).collect();
    said("x-forwarded-for", None, peer, &lines).client.expect("a client").to_string()
}

fn rfc_7239(lines: &[&str]) -> Forwarded {
    let lines: Vec<_> = lines.iter().map(|line| ("forwarded", *line)).collect();
    said("forwarded", None, "10.0.0.1:5", &lines)
}

fn rfc_7239_client(lines: &[&str]) -> String {
    rfc_7239(lines).client.expect("a client").to_string()
}

// Shows S1-66.
#[test]
fn a_stranger_cannot_choose_its_address() {
    assert_eq!(client("192.0.2.1:5", &["1.2.3.4"]), "192.0.2.1");
}

// Shows S0-17, S1-66, S1-75, S3-22, V49.
#[test]
fn the_rightmost_untrusted_entry_is_the_client() {
    assert_eq!(client("10.0.0.1:5", &["6.6.6.6, 1.2.3.4, 10.0.0.2"]), "1.2.3.4");
    assert_eq!(client("10.0.0.1:5", &["6.6.6.6", "1.2.3.4"]), "1.2.3.4");
    assert_eq!(client("[::ffff:10.0.0.1]:5", &["[2001:db8::1]:443"]), "2001:db8::1");
    assert_eq!(client("10.0.0.1:5", &["6.6.6.6, ::ffff:10.0.0.2"]), "6.6.6.6");
}

#[test]
fn a_malformed_entry_ends_the_walk_at_the_last_trusted_hop() {
    for bad in ["unknown", "_hidden", "1.2.3", "", "1.2.3.4;x", "\u{e9}"] {
        assert_eq!(client("10.0.0.1:5", &[&format!("1.2.3.4, {bad}, 10.0.0.2")]), "10.0.0.2", "{bad:?}");
    }
    assert_eq!(client("10.0.0.1:5", &[]), "10.0.0.1");
}

#[test]
fn a_network_of_mapped_addresses_is_one_of_ipv4() {
    let proxies = Proxies::new(&settings(&["::ffff:10.0.0.0/104"], "x-forwarded-for", None)).expect("valid");
    assert!(proxies.trusts_peer(&ConnInfo::new(Some(([10, 0, 0, 1], 1).into()))));
    assert!(!proxies.trusts_peer(&ConnInfo::new(Some(([11, 0, 0, 1], 1).into()))));
}

#[test]
fn hops_end_the_walk_earlier_and_never_later() {
    let at = |hops, line| {
        let said = said("x-forwarded-for", Some(hops), "10.0.0.1:5", &[("x-forwarded-for", line)]);
        said.client.expect("a client").to_string()
    };
    assert_eq!(at(1, "6.6.6.6, 10.0.0.3, 10.0.0.2"), "10.0.0.2");
    assert_eq!(at(2, "6.6.6.6, 10.0.0.3, 10.0.0.2"), "10.0.0.3");
    assert_eq!(at(3, "6.6.6.6, 1.2.3.4, 10.0.0.2"), "1.2.3.4", "an untrusted one ends it, whatever the number");
}

#[test]
fn a_single_address_is_one_line_with_one_address() {
    let at = |lines: &[&str]| {
        let lines: Vec<_> = lines.iter().map(|line| ("cf-connecting-ip", *line)).collect();
        said("CF-Connecting-IP", None, "10.0.0.1:5", &lines).client.expect("a client").to_string()
    };
    assert_eq!(at(&["1.2.3.4"]), "1.2.3.4");
    for bad in [&["1.2.3.4", "6.6.6.6"][..], &["6.6.6.6, 1.2.3.4"], &["unknown"], &[""], &[]] {
        assert_eq!(at(bad), "10.0.0.1", "{bad:?}");
    }
}

#[test]
fn scheme_and_host_are_read_where_the_client_is() {
    let at = |lines: &[(&str, &str)]| {
        let said = said("x-forwarded-for", None, "10.0.0.1:5", lines);
        (said.scheme == Some(Scheme::Https), said.host.unwrap_or_default().into_string())
    };
    let two = ("x-forwarded-for", "6.6.6.6, 1.2.3.4, 10.0.0.2");
    let proto = |value| ("x-forwarded-proto", value);
    let host = |value| ("x-forwarded-host", value);
    assert_eq!(
        at(&[two, proto("http, https, http"), host("evil.example, a.example, inner")]),
        (true, "a.example".into())
    );
    assert_eq!(at(&[two, proto("HTTPS"), host("a.example:8443")]), (true, "a.example:8443".into()));
    assert_eq!(at(&[proto("https, http")]), (false, String::new()), "nobody but the peer has said anything");
    assert_eq!(at(&[two, proto("wss")]), (false, String::new()));
    assert_eq!(at(&[two, host("\u{e9}")]).1, "\u{e9}", "it is refused later");
}

#[test]
fn elements_of_rfc_7239_are_walked_in_the_same_way() {
    assert_eq!(rfc_7239_client(&["for=6.6.6.6, For=\"1.2.3.4:47011\";proto=https, for=10.0.0.2"]), "1.2.3.4");
    assert_eq!(rfc_7239_client(&["for=6.6.6.6", "for=\"[2001:db8:cafe::17]:4711\""]), "2001:db8:cafe::17");
    assert_eq!(rfc_7239_client(&["for=6.6.6.6;by=203.0.113.43 ; proto=http"]), "6.6.6.6");
    assert_eq!(rfc_7239_client(&["for=6.6.6.6;x=\"a,b;\\\"c\\\\\""]), "6.6.6.6");
    assert_eq!(rfc_7239_client(&["for=\"1.2.3.4:_port\""]), "1.2.3.4");
}

#[test]
fn hidden_and_malformed_nodes_end_the_walk() {
    let bad = [
        "for=unknown",
        "for=_hidden",
        "for=_SEVKISEK",
        "for=\"_gazonk:80\"",
        "",
        ";",
        "proto=https",
        "for=1.2.3",
        "for",
        "for=",
        "for=1.2.3.4;",
        "for=1.2.3.4;for=6.6.6.6",
        "for=2001:db8::1",
        "for=\"2001:db8::1\"",
        "for=\"[1.2.3.4]\"",
        "for=\"1.2.3.4",
        "for=1.2.3.4\"",
        "for=1.2.3.4:x",
        "for=\"1.2.3.4:999999\"",
        "for = 1.2.3.4",
        "for=_",
        "for=\"\"",
    ];
    for bad in bad {
        assert_eq!(rfc_7239_client(&[&format!("for=6.6.6.6, {bad}, for=10.0.0.2")]), "10.0.0.2", "{bad:?}");
    }
    let hidden = rfc_7239(&["for=_hidden;proto=https;host=a.example"]);
    assert_eq!((hidden.scheme, hidden.host.as_deref()), (Some(Scheme::Https), Some("a.example")));
}

#[test]
fn what_a_client_sends_does_not_change_what_the_proxy_adds() {
    for evil in ["for=\"", "for=\"\\", "x=\\\"", "for=9.9.9.9;x=\"", "for=\"9.9.9.9\\\\\"", ",,,,", "\"\\\"\""] {
        for own in ["for=1.2.3.4", "for=\"1.2.3.4:80\";proto=https", "for=1.2.3.4;host=\"a.example\""] {
            let together = [format!("{evil}, {own}")];
            assert_eq!(rfc_7239_client(&[&together[0]]), "1.2.3.4", "{together:?}");
            assert_eq!(rfc_7239_client(&[evil, own]), "1.2.3.4", "{evil:?} and {own:?}");
        }
    }
}

#[test]
fn headers_that_are_not_believed_are_hidden() {
    let all = [
        ("x-forwarded-for", "1.2.3.4"),
        ("x-forwarded-proto", "https"),
        ("forwarded", "for=1.2.3.4"),
        ("x-real-ip", "1.2.3.4"),
        ("x-other", "stays"),
    ];
    let left = |trusted: &[&str], header: &str, believed| {
        let proxies = Proxies::new(&settings(trusted, header, None)).expect("valid");
        let mut headers = headers(&all);
        let changed = proxies.hide(believed, &mut headers);
        let mut names: Vec<String> = headers.keys().map(ToString::to_string).collect();
        names.sort_unstable();
        (changed, names)
    };
    assert_eq!(left(&["10.0.0.0/8"], "x-forwarded-for", true).1, ["x-forwarded-for", "x-forwarded-proto", "x-other"]);
    assert_eq!(left(&["10.0.0.0/8"], "forwarded", true).1, ["forwarded", "x-other"]);
    assert_eq!(left(&["10.0.0.0/8"], "x-real-ip", true).1, ["x-forwarded-proto", "x-other", "x-real-ip"]);
    assert_eq!(left(&["10.0.0.0/8"], "x-forwarded-for", false), (true, vec!["x-other".to_owned()]));
    let (changed, names) = left(&[], "x-forwarded-for", false);
    assert!(!changed && names.len() == all.len(), "without trusted proxies they are nobody's business");
}

#[test]
fn mistakes_are_found() {
    let keys = |settings: Settings| {
        let problems = Proxies::new(&settings).expect_err("wrong");
        problems.into_iter().map(|(key, _)| key).collect::<Vec<_>>()
    };
    assert_eq!(keys(settings(&["10.0.0.0/99", "x"], "x-forwarded-for", None)), ["trusted_proxies"; 2]);
    assert_eq!(keys(settings(&[], "x-real-ip", Some(1))), ["forwarded_header", "proxy_hops", "proxy_hops"]);
    assert_eq!(keys(settings(&["10.0.0.1"], "x-forwarded-for", Some(0))), ["proxy_hops"]);
    assert_eq!(keys(settings(&["10.0.0.1"], "x-real-ip", Some(2))), ["proxy_hops"]);
    for bad in ["x-forwarded-proto", "host", "a b", "cookie", "connection"] {
        assert_eq!(keys(settings(&["10.0.0.1"], bad, None)), ["forwarded_header"], "{bad}");
    }
}

#[test]
fn a_unix_peer_is_trusted_only_if_it_is_named() {
    let conn = ConnInfo::new(None).with_unix(true);
    let proxies = |trusted| Proxies::new(&settings(trusted, "x-forwarded-for", None)).expect("valid");
    assert!(!proxies(&["0.0.0.0/0", "::/0"]).trusts_peer(&conn));
    let unix = proxies(&["unix"]);
    assert!(unix.trusts_peer(&conn) && !unix.trusts_peer(&ConnInfo::new(None)));
    let said = unix.forwarded(&conn, &headers(&[("x-forwarded-for", "6.6.6.6, 1.2.3.4")]));
    assert_eq!(said.client.expect("a client").to_string(), "1.2.3.4");
    assert_eq!(unix.forwarded(&conn, &HeaderMap::new()).client, None, "a proxy that says nothing names nobody");
}

/// An element as a proxy writes it, and what it says.
fn element() -> impl Strategy<Value = (String, IpAddr)> {
    let address = prop_oneof![
        any::<u32>().prop_map(|bits| IpAddr::V4(bits.into())),
        any::<u128>().prop_map(|bits| IpAddr::V6(bits.into()))
    ];
    let port = proptest::option::of(1_u16..);
    (address, port, "[a-z ,;=\"\\\\]{0,12}", any::<bool>()).prop_map(|(address, port, text, quoted)| {
        let port = port.map(|port| format!(":{port}")).unwrap_or_default();
        let node = match address {
            IpAddr::V4(address) => format!("{address}{port}"),
            IpAddr::V6(address) => format!("[{address}]{port}"),
        };
        let node = if quoted || node.contains(':') { format!("\"{node}\"") } else { node };
        let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
        (format!("for={node};x=\"{escaped}\";proto=https"), address.to_canonical())
    })
}

proptest! {
    /// Whatever stands in front, the last element is read as it was written.
    #[test]
    fn the_last_element_is_read_whatever_stands_in_front(front in "[ -~]{0,60}", (own, address) in element()) {
        prop_assume!(!address.is_loopback());
        let proxies = Proxies::new(&settings(&["127.0.0.1"], "forwarded", None)).expect("valid");
        let conn = ConnInfo::new(Some(([127, 0, 0, 1], 1).into()));
        let said = proxies.forwarded(&conn, &headers(&[("forwarded", &format!("{front},{own}"))]));
        prop_assert_eq!(said.client, Some(address));
        prop_assert_eq!(said.scheme, Some(Scheme::Https));
    }

    /// No text makes the walk panic, and a client is the peer or an address of the header.
    #[test]
    fn any_text_ends_in_an_address(line in "[ -~]{0,200}", header in 0_usize..3) {
        let name = ["x-forwarded-for", "forwarded", "x-real-ip"][header];
        let client = said(name, None, "10.0.0.1:5", &[(name, &line)]).client.expect("a client");
        let v4 = line.contains(&client.to_string());
        prop_assert!(client.to_string() == "10.0.0.1" || v4 || client.is_ipv6() || line.contains(':'));
    }

    /// The elements of a line are its pieces, from right to left, and nothing is lost.
    #[test]
    fn elements_are_pieces_of_the_line(line in "[a-c,\"\\\\ ]{0,40}") {
        let count = element::Elements::new(line.as_bytes()).count();
        prop_assert!(count >= 1 && count <= line.matches(',').count() + 1);
    }
}

#[test]
fn long_headers_are_read_in_linear_time() {
    let trusted: String = "10.0.0.2,".repeat(1800);
    let lines = [",".repeat(16_384), format!("for=\"{}", "\\\"".repeat(8000)), format!("1.2.3.4,{trusted}10.0.0.2")];
    for line in &lines {
        for name in ["x-forwarded-for", "forwarded", "x-real-ip"] {
            let begun = std::time::Instant::now();
            for _ in 0..20 {
                said(name, None, "10.0.0.1:5", &[(name, line)]);
            }
            // Twenty quadratic walks of 16 KB take far longer, linear ones milliseconds.
            assert!(begun.elapsed().as_secs() < 5, "{name}: {:?}", begun.elapsed());
        }
    }
}
