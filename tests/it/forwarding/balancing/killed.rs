use super::*;
use crate::support::child::Process;

/// `throughline collect` with these servers at a free port.
async fn collect(receivers: &[&Receiver], directory: &Directory, options: &[&str]) -> (Process, SocketAddr) {
    let program = std::env::current_exe().unwrap().ancestors().nth(2).unwrap().join("throughline");
    let places = receivers.iter().map(|receiver| receiver.http_address().to_string()).collect::<Vec<_>>();
    let (places, path) = (places.join(","), directory.0.display().to_string());
    let fixed = ["collect", "--grpc", "off", "--http", "127.0.0.1:0", "--view", "off", "--balance", &places];
    let variables = [("THROUGHLINE_QUEUE_DIRECTORY", &*path), ("OTEL_EXPORTER_OTLP_TIMEOUT", "300")];
    let process = Process::start(&program.display().to_string(), &[&fixed, options].concat(), &variables);
    let line = process.line(&["takes OTLP/HTTP at"]).await;
    (process, line.rsplit(' ').next().unwrap().parse().unwrap())
}

/// As [`post`]; `None`: there was no answer.
async fn try_post(address: SocketAddr, body: Bytes) -> Option<u16> {
    let headers = [("content-type", "application/x-protobuf")];
    let (head, _) =
        crate::support::request("POST", format!("http://{address}/v1/traces"), &headers).into_parts();
    let request = http::Request::from_parts(head, http_body_util::Full::new(body));
    crate::support::ask(request).await.map(|response| response.status().as_u16())
}

// B-069: whatever moment it is, and whoever is away then.
#[tokio::test]
async fn what_was_acknowledged_as_durable_survives_kill_after_kill_while_servers_come_and_go() {
    let (receivers, directory) =
        ([Receiver::start(), Receiver::start(), Receiver::start()], Directory::new());
    let members = receivers.each_ref();
    let (mut acknowledged, mut number) = (BTreeSet::new(), 0);
    for round in 0..9_usize {
        // None, one or all of them are away.
        for (place, receiver) in receivers.iter().enumerate() {
            match round % 3 == 1 && place == round / 3 || round % 3 == 2 {
                true => receiver.refuse(),
                false => receiver.recover(),
            };
        }
        let (process, address) = collect(&members, &directory, &["--acknowledge", "disk"]).await;
        let flying = Vec::from_iter((0..4 + round).map(|_| {
            let numbers = number * 40..(number + 1) * 40;
            number += 1;
            tokio::spawn(async move { (try_post(address, traces(numbers.clone())).await, numbers) })
        }));
        let some = 1 + round % 4;
        let is_over =
            || async { (flying.iter().filter(|one| one.is_finished()).count() > some).then_some(()) };
        until("some answers", is_over).await;
        drop(process); // SIGKILL
        for one in flying {
            if let (Some(200), numbers) = one.await.unwrap() {
                acknowledged.extend(numbers);
            }
        }
    }
    assert!(!acknowledged.is_empty());
    receivers.iter().for_each(|receiver| {
        receiver.recover();
    });
    let (mut last, _) = collect(&members, &directory, &[]).await;
    let everything = || set(members.iter().flat_map(|receiver| taken(receiver)));
    until("all of it", || async { everything().is_superset(&acknowledged).then_some(()) }).await;
    last.terminate();
    assert!(last.ended().await.success(), "{:#?}", last.lines());
}

#[tokio::test]
async fn at_sigterm_while_all_are_away_everything_is_on_disk_once_and_sent_by_the_next() {
    let (receivers, directory) =
        ([Receiver::start(), Receiver::start(), Receiver::start()], Directory::new());
    let members = receivers.each_ref();
    receivers.iter().for_each(|receiver| {
        receiver.refuse();
    });
    let (mut process, address) = collect(&members, &directory, &["--stop-limit", "2"]).await;
    for number in 0..50 {
        assert_eq!(try_post(address, traces(number * 40..(number + 1) * 40)).await, Some(200));
    }
    process.line(&["others get its share"]).await;
    process.terminate();
    assert!(process.ended().await.success(), "{:#?}", process.lines());
    receivers.iter().for_each(|receiver| {
        receiver.recover();
    });
    let (mut next, _) = collect(&members, &directory, &[]).await;
    assert!(process.lines().iter().all(|line| !line.contains("; set ")), "{:#?}", process.lines());
    next.line(&["2000 spans of an earlier process are sent now"]).await;
    let arrived = || members.iter().map(|receiver| receiver.items(Signal::Traces)).sum::<u64>();
    until("all of it", || async { (arrived() >= 2000).then_some(()) }).await;
    next.terminate();
    assert!(next.ended().await.success(), "{:#?}", next.lines());
    assert_eq!((arrived(), set(members.iter().flat_map(|receiver| taken(receiver)))), (2000, set(0..2000)));
    let at = traces_at(&members);
    assert!(at.iter().flat_map(BTreeMap::values).all(|spans| spans.len() == SPANS as usize));
}

#[tokio::test]
async fn the_program_says_who_is_left_out_and_who_is_back() {
    let (receivers, directory) = ([Receiver::start(), Receiver::start()], Directory::new());
    let members = receivers.each_ref();
    let (process, address) = collect(&members, &directory, &[]).await;
    receivers[0].refuse();
    assert_eq!(try_post(address, traces(0..400)).await, Some(200));
    let url = format!("{}/v1/traces", receivers[0].http_endpoint());
    process.line(&["traces: cannot reach", &url, "others get its share"]).await;
    receivers[0].recover();
    process.line(&[&format!("traces: {url} has its share again")]).await;
    let everything = || set(members.iter().flat_map(|receiver| taken(receiver)));
    until("all of it", || async { (everything() == set(0..400)).then_some(()) }).await;
}

#[tokio::test]
async fn the_program_says_among_whom_it_divides_and_does_not_guess() {
    let (receivers, directory) = ([Receiver::start(), Receiver::start()], Directory::new());
    let (mut process, _) = collect(&receivers.each_ref(), &directory, &["--balance-by", "service"]).await;
    let mut members = receivers.each_ref().map(|receiver| format!("{}/v1/traces", receiver.http_endpoint()));
    members.sort();
    process.line(&["sends traces to one of", &members.join(", ")]).await;
    process.terminate();
    assert!(process.ended().await.success());
    let program = std::env::current_exe().unwrap().ancestors().nth(2).unwrap().join("throughline");
    let at = ["collect", "--grpc", "off", "--http", "127.0.0.7:24319", "--view", "off"];
    for (servers, words) in [
        ("me:hush@a", "THROUGHLINE_COLLECTOR_BALANCE: has a member that is no server"),
        ("a:1,A:1", "a:1 is a member of a balance twice"),
        ("a:1,127.0.0.7:24319", "is this collector itself"),
    ] {
        let variables = [("THROUGHLINE_COLLECTOR_BALANCE", servers)];
        let mut process = Process::start(&program.display().to_string(), &at, &variables);
        process.line(&[words]).await;
        assert_eq!(process.ended().await.code(), Some(1), "{servers}");
        assert!(process.lines().iter().all(|line| !line.contains("hush")));
    }
}
