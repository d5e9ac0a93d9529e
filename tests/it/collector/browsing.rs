//! What browsers may ask, keep and hear.

use super::{
    view::{filled, get},
    *,
};
use prost::Message;
use std::collections::BTreeSet;

#[tokio::test]
async fn pages_of_other_origins_may_lead_here_and_nothing_else() {
    let collector = filled().await;
    let address = collector.view_address().unwrap();
    let own = format!("http://{address}");
    let host = address.to_string();
    let asks = async |headers: &[(&str, &str)]| {
        let headers = [&[("host", host.as_str())], headers].concat();
        send(address, "GET", "/api/traces", &headers, b"").await.status
    };
    assert_eq!(asks(&[("origin", &own)]).await, StatusCode::OK);
    let lead = [("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")];
    assert_eq!(asks(&lead).await, StatusCode::OK);
    for headers in [
        &[("origin", "http://localhost:3000")][..],
        &[("origin", "http://evil.example")],
        &[("origin", "null")],
        &[("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "no-cors")],
        &[("sec-fetch-site", "same-site"), ("sec-fetch-mode", "cors")],
    ] {
        assert_eq!(asks(headers).await, StatusCode::FORBIDDEN, "{headers:?}");
    }
}

/// The paths of a script and of all that it imports, each of which is there.
async fn scripts(collector: &Collector, first: &str) -> BTreeSet<String> {
    let folder = first.strip_suffix("view.js").unwrap();
    let mut all = BTreeSet::new();
    let mut next = vec![first.to_owned()];
    while let Some(path) = next.pop() {
        if all.insert(path.clone()) {
            let script = get(collector, &path).await;
            assert_eq!(script.status, StatusCode::OK, "{path}");
            let imports = script.text().split("\"./").skip(1).map(|rest| rest.split('"').next().unwrap());
            next.extend(imports.map(|name| format!("{folder}{name}")));
        }
    }
    all
}

#[tokio::test]
async fn the_first_page_and_all_that_it_asks_for_are_small_however_many_traces_there_are() {
    let collector = start(|_| ());
    let address = collector.view_address().unwrap();
    for trace in 1..=150 {
        let spans = (1..=10)
            .map(|id| Span { trace_id: vec![trace; 16], ..span(id, id - 1, &format!("GET /{trace}/{id}")) });
        post(&collector, "/v1/traces", &traces("front", spans.collect()).encode_to_vec()).await;
    }
    let page = get(&collector, "/").await;
    assert_eq!(page.text().matches("name=\"trace\" value=").count(), 100);
    let (_, rest) = page.text().split_once("<script type=\"module\" src=\"").unwrap();
    let script = rest.split('"').next().unwrap();
    let mut paths = scripts(&collector, script).await;
    paths.extend(["/".to_owned(), script.replace("script/view.js", "style.css")]);
    let mut sent = 0;
    for path in &paths {
        let answer = send(address, "GET", path, &[("accept-encoding", "gzip")], b"").await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        sent += answer.body.len();
    }
    assert!(sent > 20_000 && sent < 100_000, "{sent} bytes");
}

#[tokio::test]
async fn a_page_that_listens_is_told_ten_times_a_second_at_most() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let collector = start(|_| ());
    let address = collector.view_address().unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(format!("GET /live HTTP/1.1\r\nhost: {address}\r\n\r\n").as_bytes()).await.unwrap();
    let begin = std::time::Instant::now();
    let sending = async {
        for id in 1..=60 {
            post(&collector, "/v1/traces", &traces("front", vec![span(id, 0, "x")]).encode_to_vec()).await;
        }
    };
    let reading = async {
        let mut read = Vec::new();
        while !String::from_utf8_lossy(&read).contains("data: {\"traces\":60,") {
            assert!(stream.read_buf(&mut read).await.unwrap() > 0);
        }
        String::from_utf8_lossy(&read).matches("data: {").count()
    };
    let ((), told) = tokio::join!(sending, reading);
    let took = begin.elapsed().as_millis();
    // The first at once, the others a tenth of a second apart.
    assert!(told >= 2 && (told as u128 - 1) * 100 <= took, "{told} events in {took} ms");
}

#[tokio::test]
async fn style_and_scripts_are_kept_by_browsers_as_long_as_they_are_the_same() {
    let collector = start(|_| ());
    let address = collector.view_address().unwrap();
    let page = get(&collector, "/").await;
    let (_, script) = page.text().split_once("<script type=\"module\" src=\"").unwrap();
    let (script, _) = script.split_once('"').unwrap();
    assert!(script.ends_with("/script/view.js") && script.len() == "/0123456789abcdef/script/view.js".len());
    let kept = get(&collector, script).await;
    assert_eq!(kept.header("cache-control"), Some("private, max-age=31536000, immutable"));
    assert_eq!(kept.header("content-type"), Some("text/javascript; charset=utf-8"));
    let scripts = scripts(&collector, script).await;
    assert_eq!(scripts.len(), 10, "{scripts:?}");
    let asked = get(&collector, "/style.css").await;
    assert_eq!(asked.header("cache-control"), Some("no-cache"));
    let tag = asked.header("etag").unwrap();
    let again = send(address, "GET", "/style.css", &[("if-none-match", tag)], b"").await;
    assert_eq!((again.status, again.body.len()), (StatusCode::NOT_MODIFIED, 0));
    let other = send(address, "GET", "/style.css", &[("if-none-match", "\"other\"")], b"").await;
    assert_eq!(other.body, asked.body);
    assert_eq!(get(&collector, "/0123456789abcdef/style.css").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn large_pages_are_pressed_for_those_who_take_it() {
    let collector = filled().await;
    let address = collector.view_address().unwrap();
    let plain = get(&collector, "/").await;
    let pressed = send(address, "GET", "/", &[("accept-encoding", "br, gzip")], b"").await;
    assert_eq!((plain.header("content-encoding"), pressed.header("content-encoding")), (None, Some("gzip")));
    let mut text = String::new();
    std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(&pressed.body[..]), &mut text).unwrap();
    assert_eq!(text, plain.text());
    assert!(pressed.body.len() * 2 < plain.body.len());
}

#[tokio::test]
async fn half_of_the_connections_may_listen_and_others_are_told_to_wait() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let collector = start(|_| ());
    let address = collector.view_address().unwrap();
    let mut listeners = Vec::new();
    for _ in 0..16 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let head = format!("GET /live HTTP/1.1\r\nhost: {address}\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut read = Vec::new();
        while !String::from_utf8_lossy(&read)
            .contains("data: {\"traces\":0,\"metrics\":0,\"logs\":0,\"trace\":0}\n\n")
        {
            stream.read_buf(&mut read).await.unwrap();
        }
        listeners.push(stream);
    }
    let one_more = get(&collector, "/live").await;
    assert_eq!(
        (one_more.status, one_more.text()),
        (StatusCode::SERVICE_UNAVAILABLE, "too many pages listen\n")
    );
    // What comes is told to all of them.
    post(&collector, "/v1/traces", &traces("front", vec![span(1, 0, "x")]).encode_to_vec()).await;
    for stream in &mut listeners {
        let mut read = Vec::new();
        while !String::from_utf8_lossy(&read).contains("data: {\"traces\":1,") {
            stream.read_buf(&mut read).await.unwrap();
        }
    }
    // Who goes makes room.
    listeners.pop();
    crate::support::until("room for one more", || async {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let head = format!("GET /live?trace={TRACE_TEXT} HTTP/1.1\r\nhost: {address}\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut read = vec![0; 1024];
        let length = stream.read(&mut read).await.unwrap();
        let text = String::from_utf8_lossy(&read[..length]).into_owned();
        (text.starts_with("HTTP/1.1 200") || text.contains("\"trace\":1")).then_some(())
    })
    .await;
}
