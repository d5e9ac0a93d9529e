//! Large, lying and slow clients: each gets the right answer, and nobody else notices.

use super::{http::fault, *};
use prost::Message;
use std::time::Instant;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const LIMIT: usize = 200_000;

/// Everything until the other side closes, one way or another.
async fn rest(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut answer));
    let _ = read.await.expect("the collector closes the connection");
    String::from_utf8_lossy(&answer).into_owned()
}

fn large(bytes: usize) -> Vec<u8> {
    traces("a", vec![span(1, 0, &"x".repeat(bytes))]).encode_to_vec()
}

async fn is_well(collector: &Collector) {
    let before = collector.counters().spans;
    assert_eq!(post(collector, "/v1/traces", &large(10)).await.status, StatusCode::OK);
    assert_eq!(collector.counters().spans, before + 1);
}

// O-065
#[tokio::test]
async fn a_body_over_the_limit_gets_413_before_and_after_decompression() {
    let collector = start(|config| config.max_request_bytes = LIMIT);
    let address = collector.http_address().unwrap();
    let exact = large(LIMIT - large(0).len() - 12);
    assert!(exact.len() <= LIMIT && exact.len() > LIMIT - 20);
    let zip = [("content-type", PROTOBUF), ("content-encoding", "gzip")];
    assert_eq!(post(&collector, "/v1/traces", &exact).await.status, StatusCode::OK);
    assert_eq!(send(address, "POST", "/v1/traces", &zip, &gzip(&exact)).await.status, StatusCode::OK);
    let over = large(LIMIT);
    for reply in [
        post(&collector, "/v1/traces", &over).await,
        send(address, "POST", "/v1/traces", &zip, &gzip(&over)).await,
    ] {
        assert_eq!((reply.status, fault(&reply).code), (StatusCode::PAYLOAD_TOO_LARGE, 8));
        assert_eq!(reply.header("retry-after"), None);
    }
    assert_eq!((collector.counters().spans, collector.counters().refused_requests), (2, 2));
}

// O-054, O-065: 256 MiB of zeros in 1 MiB, and a limit of 4 MiB. How much memory it may take is tested beside the
// code.
#[tokio::test]
async fn a_gzip_bomb_gets_413() {
    let collector = start(|config| config.max_request_bytes = 4 << 20);
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    for _ in 0..256 {
        encoder.write_all(&[0; 1 << 20]).unwrap();
    }
    let bomb = encoder.finish().unwrap();
    let zip = [("content-type", PROTOBUF), ("content-encoding", "gzip")];
    let reply = send(collector.http_address().unwrap(), "POST", "/v1/traces", &zip, &bomb).await;
    assert_eq!(reply.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(fault(&reply).message.contains("4194304 bytes when decompressed"), "{:?}", fault(&reply));
    is_well(&collector).await;
}

// O-065, O-071: whether the length is announced or not, the client can finish writing and read the answer.
#[tokio::test]
async fn a_client_that_sends_too_much_reads_its_413_instead_of_a_broken_connection() {
    let collector = start(|config| config.max_request_bytes = LIMIT);
    let body = vec![b'x'; 16 << 20];
    for chunked in [false, true] {
        let mut stream = TcpStream::connect(collector.http_address().unwrap()).await.unwrap();
        let length = if chunked {
            "transfer-encoding: chunked".to_owned()
        } else {
            format!("content-length: {}", body.len())
        };
        let head = format!(
            "POST /v1/traces HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: {PROTOBUF}\r\n{length}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        if chunked {
            stream.write_all(format!("{:x}\r\n", body.len()).as_bytes()).await.unwrap();
        }
        stream.write_all(&body).await.unwrap();
        if chunked {
            stream.write_all(b"\r\n0\r\n\r\n").await.unwrap();
        }
        assert!(rest(&mut stream).await.starts_with("HTTP/1.1 413 "), "chunked: {chunked}");
    }
}

// O-054, O-065: never acknowledged and then dropped.
#[tokio::test]
async fn a_body_larger_than_the_store_is_refused_and_what_is_kept_stays() {
    let collector = start(|config| config.max_bytes = 100_000);
    is_well(&collector).await;
    let reply = post(&collector, "/v1/traces", &large(100_000)).await;
    assert_eq!((reply.status, fault(&reply).code), (StatusCode::PAYLOAD_TOO_LARGE, 8));
    assert_eq!(collector.trace(TRACE_TEXT).unwrap().spans.len(), 1);
    assert_eq!((collector.counters().spans, collector.counters().evicted_requests), (1, 0));
}

#[tokio::test]
async fn the_store_stays_within_its_bounds_and_keeps_the_newest() {
    let collector = start(|config| (config.max_bytes, config.max_traces) = (300_000, 50));
    for number in 0..300_u32 {
        let mut one = span(1, 0, &"x".repeat(5000));
        one.trace_id[..4].copy_from_slice(&number.to_be_bytes());
        let reply = post(&collector, "/v1/traces", &traces("a", vec![one]).encode_to_vec()).await;
        assert_eq!(reply.status, StatusCode::OK);
        let counters = collector.counters();
        assert!(counters.stored_bytes <= 300_000 && counters.stored_traces <= 50, "{counters:?}");
    }
    let newest = collector.traces(1).remove(0);
    assert!(newest.trace_id.starts_with("0000012b"), "{newest:?}");
    let counters = collector.counters();
    assert_eq!(counters.evicted_traces + counters.stored_traces, 300);
}

// O-072
#[tokio::test]
async fn slow_headers_and_bodies_are_cut_off_and_others_are_served_meanwhile() {
    let collector = start(|config| config.request_timeout = Duration::from_millis(400));
    let address = collector.http_address().unwrap();
    let begin = Instant::now();
    let mut parts = Vec::new();
    for part in [
        "",
        "PRI * HT",
        "POST /v1/traces HTTP/1.1\r\nhost: localhost\r\n",
        "POST /v1/traces HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/x-protobuf\r\ncontent-length: 9\r\n\r\nabc",
    ] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(part.as_bytes()).await.unwrap();
        parts.push((part, stream));
    }
    is_well(&collector).await;
    for (part, stream) in &mut parts {
        let answer = rest(stream).await;
        assert!(!answer.contains("200 OK"), "{part:?}: {answer}");
        if part.ends_with("abc") {
            // O-030: what is answered so is sent again.
            assert!(
                answer.starts_with("HTTP/1.1 503 ") && answer.contains("\r\nretry-after: 1\r\n"),
                "{answer}"
            );
        }
    }
    assert!(begin.elapsed() < Duration::from_secs(4), "{:?}", begin.elapsed());
}

// O-065
#[tokio::test]
async fn a_length_that_lies_harms_nobody() {
    let collector = start(|_| ());
    let address = collector.http_address().unwrap();
    let head = |length: &str| {
        format!(
            "POST /v1/traces HTTP/1.1\r\nhost: localhost\r\ncontent-type: {PROTOBUF}\r\ncontent-length: {length}\r\n\r\n"
        )
    };
    for length in ["1000000", "18446744073709551615", "-1", "99999999999999999999"] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(head(length).as_bytes()).await.unwrap();
        stream.write_all(b"short").await.unwrap();
        stream.shutdown().await.unwrap();
        let answer = rest(&mut stream).await;
        assert!(!answer.starts_with("HTTP/1.1 200"), "{length}: {answer}");
    }
    is_well(&collector).await;
}

// O-055, O-066: four buffers of 16 KiB are there at once, and no fifth one.
#[tokio::test]
async fn requests_beyond_the_memory_set_aside_are_sent_away_for_now() {
    let collector = start(|config| config.max_request_bytes = 20_000);
    let address = collector.http_address().unwrap();
    let mut held = Vec::new();
    let head = format!(
        "POST /v1/traces HTTP/1.1\r\nhost: localhost\r\ncontent-type: {PROTOBUF}\r\ncontent-length: 20000\r\n\r\n"
    );
    for _ in 0..4 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(&[b'x'; 100]).await.unwrap();
        held.push(stream);
    }
    let reply = crate::support::until("a refusal for want of memory", || async {
        let reply = post(&collector, "/v1/traces", &large(1000)).await;
        (reply.status != StatusCode::OK).then_some(reply)
    })
    .await;
    assert_eq!((reply.status, reply.header("retry-after")), (StatusCode::SERVICE_UNAVAILABLE, Some("1")));
    assert_eq!(fault(&reply).code, 14);
    drop(held);
    crate::support::until("room again", || async {
        (post(&collector, "/v1/traces", &large(1000)).await.status == StatusCode::OK).then_some(())
    })
    .await;
    assert!(collector.counters().busy_requests >= 1);
}

// O-065: it would come again and again.
#[tokio::test]
async fn what_will_never_be_taken_is_not_told_to_come_again_when_memory_is_full() {
    let collector = start(|config| (config.max_request_bytes, config.max_memory) = (LIMIT, Some(1000)));
    assert_eq!(post(&collector, "/v1/traces", &large(700)).await.status, StatusCode::OK);
    let statuses = [
        post(&collector, "/v1/traces", &large(700)).await,
        post(&collector, "/v1/traces", &large(LIMIT)).await,
    ];
    assert_eq!(statuses.map(|reply| reply.status.as_u16()), [503, 413]);
}

// O-072: a limit that nobody reaches, and a stop that waits for ever.
#[tokio::test]
async fn times_of_any_length_are_taken() {
    let collector = start(|config| {
        (config.request_timeout, config.batch.delay) = (Duration::MAX, Duration::MAX);
        config.metric_expiration = Duration::MAX;
    });
    is_well(&collector).await;
    collector.stop(Duration::MAX).await.unwrap();
}

// O-055, O-066, O-071: a client that asks first is not told to go on.
#[tokio::test]
async fn a_body_for_which_there_is_no_room_is_sent_away_before_it_is_read() {
    let collector = start(|config| config.max_request_bytes = 20_000);
    let address = collector.http_address().unwrap();
    let head = |length: usize, more: &str| {
        format!(
            "POST /v1/traces HTTP/1.1\r\nhost: localhost\r\n{more}content-type: {PROTOBUF}\r\ncontent-length: {length}\r\n\r\n"
        )
    };
    // 80,000 bytes may be set aside: 64 KiB for four that are slow, and what is announced here is more than the rest.
    let mut held = Vec::new();
    for _ in 0..4 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(head(20_000, "").as_bytes()).await.unwrap();
        stream.write_all(&[b'x'; 100]).await.unwrap();
        held.push(stream);
    }
    let asking = head(19_000, "connection: close\r\nexpect: 100-continue\r\n");
    crate::support::until("an answer before the body", || async {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(asking.as_bytes()).await.unwrap();
        let mut first = [0; 12];
        stream.read_exact(&mut first).await.unwrap();
        (first == *b"HTTP/1.1 503").then_some(())
    })
    .await;
    drop(held);
}

// O-055, O-066
#[tokio::test]
async fn more_requests_than_may_be_under_way_are_told_when_to_come_again() {
    let collector = start(|config| config.receive.max_requests = 2);
    let address = collector.http_address().unwrap();
    let head = format!(
        "POST /v1/traces HTTP/1.1\r\nhost: localhost\r\ncontent-type: {PROTOBUF}\r\ncontent-length: 9\r\n\r\n"
    );
    // One more each time: the request that asks may be in the way of one.
    let slow = std::sync::Mutex::new(Vec::new());
    let busy = crate::support::until("a refusal", || async {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        slow.lock().unwrap().push(stream);
        let reply = post(&collector, "/v1/traces", b"").await;
        (reply.status != StatusCode::OK).then_some(reply)
    })
    .await;
    assert_eq!((busy.status, busy.header("retry-after")), (StatusCode::SERVICE_UNAVAILABLE, Some("1")));
    assert_eq!(
        (fault(&busy).code, fault(&busy).message.as_str()),
        (14, "too many requests are under way; come again")
    );
    let grpc = [("content-type", "application/grpc")];
    let path = throughline_sender::Signal::Traces.grpc_path();
    let reply = call(collector.grpc_address().unwrap(), path, &grpc, &[0; 5]).await;
    assert_eq!(reply.header("grpc-status"), Some("14"));
    drop(slow);
    crate::support::until("room again", || async {
        (post(&collector, "/v1/traces", b"").await.status == StatusCode::OK).then_some(())
    })
    .await;
}

// More traces than are looked up at a time, of which only the oldest pass the filter.
#[test]
fn a_filter_finds_the_oldest_trace_behind_hundreds_of_others() {
    let collector = start(|_| ());
    for number in 0..300_u32 {
        let mut one = span(1, 0, "x");
        one.trace_id[..4].copy_from_slice(&number.to_be_bytes());
        let service = if number < 2 { "wanted" } else { "other" };
        let request = traces(service, vec![one]).encode_to_vec();
        collector.inlet().accept(throughline_sender::Signal::Traces, request.into());
    }
    assert_eq!(collector.traces(1000).len(), 300);
    assert_eq!(collector.traces(70).len(), 70);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let view = collector.view_address().unwrap();
    for (limit, found) in [(1, 1), (100, 2)] {
        let path = format!("/api/traces?service=wanted&limit={limit}");
        let reply = runtime.block_on(send(view, "GET", &path, &[], b""));
        assert_eq!(reply.text().matches("trace_id").count(), found);
    }
}

#[tokio::test]
async fn names_in_an_address_take_no_colour_from_the_services_that_are_there() {
    let chip = async |invented: u32| {
        let collector = start(|_| ());
        let view = collector.view_address().unwrap();
        post(&collector, "/v1/traces", &traces("other", vec![span(1, 0, "x")]).encode_to_vec()).await;
        for number in 0..invented {
            send(view, "GET", &format!("/?service=invented{number}"), &[], b"").await;
        }
        post(&collector, "/v1/traces", &traces("front", vec![span(2, 0, "x")]).encode_to_vec()).await;
        let page = send(view, "GET", "/?service=front", &[], b"").await;
        let (before, _) = page.text().split_once("title=\"front\"").unwrap();
        let (_, class) = before.rsplit_once("class=\"chip ").unwrap();
        class.split_once('"').unwrap().0.to_owned()
    };
    let alone = chip(0).await;
    for invented in 1..12 {
        assert_eq!(chip(invented).await, alone, "{invented}");
    }
}
