use super::*;

fn get(wire: &str, ended: bool) -> Result<Option<(RawResponse, usize)>, ParseError> {
    parse(wire.as_bytes(), ended, &Asked::method("GET"))
}

fn whole(wire: &str) -> RawResponse {
    let (response, used) = get(wire, true).unwrap().unwrap();
    assert_eq!(used, wire.len());
    response
}

#[test]
fn headers_keep_order_spelling_and_duplicates() {
    let response = whole("HTTP/1.1 200 OK\r\nB: 1\r\na:  2 \r\nB:\r\nContent-Length: 2\r\n\r\nhi");
    let names: Vec<_> = response.headers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["B", "a", "B", "Content-Length"]);
    assert_eq!(response.header("b").collect::<Vec<_>>(), [b"1".as_slice(), b""]);
    assert_eq!(response.header_text("A").as_deref(), Some("2"));
    assert_eq!((response.text().as_str(), response.framing), ("hi", Framing::Length));
}

#[test]
fn chunks_and_trailers_are_read() {
    let response = whole(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;ext=1\r\nabc\r\n0A\r\n0123456789\r\n0\r\nX-T: v\r\n\r\n",
    );
    assert_eq!(response.text(), "abc0123456789");
    assert_eq!(response.trailers, [("X-T".to_owned(), b"v".to_vec())]);
}

#[test]
fn interim_responses_are_collected_apart() {
    let response = whole(
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    );
    assert_eq!(response.informational.len(), 2);
    assert_eq!(response.status, 200);
}

#[test]
fn no_body_where_there_is_none_by_definition() {
    let head = Asked::method("HEAD");
    let wire = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
    assert_eq!(parse(wire, false, &head).unwrap().unwrap().1, wire.len());
    for status in ["204 No Content", "304 Not Modified", "101 Switching Protocols"] {
        let wire = format!("HTTP/1.1 {status}\r\n\r\nHTTP");
        assert_eq!(get(&wire, false).unwrap().unwrap().1, wire.len() - 4);
    }
}

#[test]
fn the_end_of_the_connection_ends_a_body_without_length() {
    let wire = "HTTP/1.1 200 OK\r\n\r\nabc";
    assert_eq!(get(wire, false), Ok(None));
    let response = whole(wire);
    assert_eq!((response.text().as_str(), response.framing), ("abc", Framing::Close));
}

#[test]
fn pipelined_responses_are_read_one_by_one() {
    let wire = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\naHTTP/1.1 201 Created\r\nContent-Length: 1\r\n\r\nb";
    let (first, used) = get(wire, false).unwrap().unwrap();
    let (second, _) = get(&wire[used..], false).unwrap().unwrap();
    assert_eq!((first.status, second.status), (200, 201));
}

#[test]
fn every_cut_of_a_good_response_is_incomplete_and_truncated_at_the_end() {
    for wire in [
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nA: b\r\n\r\n",
    ] {
        for cut in 1..wire.len() {
            assert_eq!(get(&wire[..cut], false), Ok(None), "{:?}", &wire[..cut]);
            let ended = get(&wire[..cut], true);
            assert!(matches!(ended, Err(ParseError::Truncated(_))), "{ended:?}");
        }
        assert!(get(wire, false).unwrap().is_some());
    }
}

#[test]
fn malformed_responses_are_refused() {
    let long = format!("HTTP/1.1 200 OK\r\nA: {}", "a".repeat(70_000));
    for wire in [
        "HTTP/1.1 200\r\n\r\n",
        "HTTP/1.1  200 OK\r\n\r\n",
        "HTTP/1.1 20 OK\r\n\r\n",
        "HTTP/1.1 2000 OK\r\n\r\n",
        "HTTP/1.1 099 OK\r\n\r\n",
        "HTTP/1.1 600 OK\r\n\r\n",
        "HTTP/1.1 2x0 OK\r\n\r\n",
        "HTTP/2 200 OK\r\n\r\n",
        "http/1.1 200 OK\r\n\r\n",
        "ICY 200 OK\r\n\r\n",
        " HTTP/1.1 200 OK\r\n\r\n",
        "\r\nHTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 200 O\x00K\r\n\r\n",
        "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        "HTTP/1.1 200 OK\r\n: empty\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA: b\r\n folded\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA: b\0c\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA: b\nB: c\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA: b\rc\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na",
        "HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\na",
        "HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\na",
        "HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 100 Continue\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1 \r\na\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\na\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffff\r\na",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nbad trailer\r\n\r\n",
        long.as_str(),
    ] {
        assert!(get(wire, true).is_err(), "{wire:?}");
    }
}

#[test]
fn chunks_are_refused_for_http10() {
    let wire = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    assert!(parse(wire, true, &Asked { method: "GET".into(), http10: true }).is_err());
}
