use super::*;
use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex},
};
use throughline::{
    collector::Disk,
    sender::{Discovery, Find},
    testing::Fault,
};

type Outage = fn(&Receiver);

/// How a server is away. Each is noticed at once or after a few time limits.
const OUTAGES: [(&str, Outage); 3] = [
    ("refuse", |receiver| {
        receiver.refuse();
    }),
    ("hang", |receiver| {
        receiver.then_always(Fault::Hang);
    }),
    ("close", |receiver| {
        receiver.then_always(Fault::CloseUnread);
    }),
];

fn is_left_out(collector: &Collector, place: usize) -> bool {
    collector.forwarded()[0].members[place].left_out
}

#[tokio::test]
async fn a_dead_servers_share_goes_to_the_others_and_comes_back_and_nothing_acknowledged_is_lost() {
    for (name, begin) in OUTAGES {
        for with_disk in [false, true] {
            let (receivers, directory) =
                ([Receiver::start(), Receiver::start(), Receiver::start()], Directory::new());
            let members = receivers.each_ref();
            let collector = start(vec![Destination::Balanced(between(&members, Protocol::Grpc))], |config| {
                config.disk = with_disk.then(|| Disk::new(&directory.0));
            });
            let address = collector.http_address().unwrap();
            let mut next = 0;
            // Each request has whole traces.
            let mut send = async |requests: u64| {
                for _ in 0..requests {
                    assert_eq!(post(address, traces(next..next + 40)).await.0, 200, "{name}");
                    next += 40;
                }
                next
            };
            send(20).await;
            begin(&receivers[0]);
            let sent = send(20).await;
            until("it is left out", || async { is_left_out(&collector, 0).then_some(()) }).await;
            delivered(&collector, sent).await;
            let sent = send(20).await;
            delivered(&collector, sent).await;
            let before = receivers[0].items(Signal::Traces);
            receivers[0].recover();
            let mut sent = send(1).await;
            while receivers[0].items(Signal::Traces) == before {
                sent = send(1).await;
                delivered(&collector, sent).await;
            }
            delivered(&collector, sent).await;
            assert_eq!(total(&collector), [sent, sent, 0, 0, 0], "{name}");
            let everything = members.iter().flat_map(|receiver| taken(receiver));
            assert_eq!(set(everything), set(0..sent), "{name}");
            // Not one of them is torn: what moved, moved whole.
            let at = traces_at(&members);
            let whole = |trace: &u64| {
                at.iter().any(|traces| traces.get(trace).is_some_and(|spans| spans.len() == SPANS as usize))
            };
            assert!((0..sent / SPANS).all(|trace| whole(&trace)), "{name}");
            let repeated = collector.forwarded()[0].repeated;
            let arrived: u64 = members.iter().map(|receiver| receiver.items(Signal::Traces)).sum();
            assert!(arrived - sent <= repeated, "{name}: {arrived} of {sent}, {repeated} known");
        }
    }
}

#[tokio::test]
async fn of_a_request_in_pieces_the_rest_goes_over_and_what_may_have_arrived_is_known() {
    for with_disk in [false, true] {
        let (receivers, directory) = ([Receiver::start(), Receiver::start()], Directory::new());
        let members = receivers.each_ref();
        // The first half of its part is taken, the second one again and again, without an answer.
        let taken_whole = Fault::Partial { rejected: 0, message: String::new() };
        receivers[0].then(Fault::Status(413)).then(taken_whole).then_always(Fault::LostAnswer);
        let collector =
            start(vec![Destination::Balanced(between(&members, Protocol::HttpProtobuf))], |config| {
                config.disk = with_disk.then(|| Disk::new(&directory.0));
            });
        assert_eq!(post(collector.http_address().unwrap(), traces(0..400)).await.0, 200);
        delivered(&collector, 400).await;
        assert_eq!(set(members.iter().flat_map(|receiver| taken(receiver))), set(0..400));
        let forwarded = collector.forwarded().remove(0);
        let arrived: u64 = members.iter().map(|receiver| receiver.items(Signal::Traces)).sum();
        assert_eq!(arrived, 400 + forwarded.repeated);
        let [here, there, _] = &forwarded.members[..] else { panic!("{forwarded:?}") };
        assert!(here.left_out && !there.left_out);
        // The first half is its own; the second was tried again and again there, and once more at the other.
        let half = there.repeated;
        assert!(half > 0 && here.repeated >= 2 * half && here.repeated.is_multiple_of(half), "{forwarded:?}");
        let delivered_here = here.delivered;
        assert!(delivered_here.abs_diff(half) <= 1, "{forwarded:?}");
        assert_eq!(counts(here), [delivered_here, delivered_here, 0, 0, 0]);
        assert_eq!(counts(there), [400 - delivered_here, 400 - delivered_here, 0, 0, 0]);
    }
}

#[tokio::test]
async fn while_all_are_away_everything_waits_and_whoever_is_back_first_gets_it() {
    for with_disk in [false, true] {
        let (receivers, directory) = ([Receiver::start(), Receiver::start()], Directory::new());
        receivers.iter().for_each(|receiver| {
            receiver.refuse();
        });
        let members = receivers.each_ref();
        let collector = start(vec![Destination::Balanced(between(&members, Protocol::Grpc))], |config| {
            config.disk = with_disk.then(|| Disk::new(&directory.0));
        });
        let address = collector.http_address().unwrap();
        assert_eq!(post(address, traces(0..400)).await.0, 200);
        let both = || async { (is_left_out(&collector, 0) && is_left_out(&collector, 1)).then_some(()) };
        until("both are left out", both).await;
        assert_eq!(post(address, traces(400..800)).await.0, 200);
        let waits = || async { (counts(&collector.forwarded()[0].members[2])[4] == 800).then_some(()) };
        until("all of it waits for somebody", waits).await;
        if with_disk {
            let is_on_disk = || async { (collector.forwarded()[0].on_disk == 800).then_some(()) };
            until("all of it is on disk", is_on_disk).await;
        }
        receivers[1].recover();
        delivered(&collector, 800).await;
        assert_eq!(set(taken(&receivers[1])), set(0..800));
        assert_eq!(total(&collector), [800, 800, 0, 0, 0]);
        let of = |place: usize| counts(&collector.forwarded()[0].members[place]);
        assert_eq!([of(0), of(1), of(2)], [[0; 5], [800, 800, 0, 0, 0], [0; 5]]);
    }
}

#[tokio::test]
async fn a_busy_server_keeps_its_share_for_as_long_as_it_is_given_and_holds_nobody_up() {
    let receivers = [Receiver::start(), Receiver::start()];
    receivers[0].then_always(Fault::Status(503));
    let members = receivers.each_ref();
    let mut balance = between(&members, Protocol::HttpProtobuf);
    let collector = start(vec![Destination::Balanced(balance.clone())], |_| {});
    let address = collector.http_address().unwrap();
    assert_eq!(post(address, traces(0..400)).await.0, 200);
    let tried = || async { (receivers[0].requests().len() >= 4).then_some(()) };
    until("four attempts", tried).await;
    assert!(!is_left_out(&collector, 0));
    let [_, part, ..] = counts(&collector.forwarded()[0].members[1]);
    assert_eq!(receivers[1].items(Signal::Traces), part);
    assert_eq!(total(&collector), [400, part, 0, 0, 400 - part]);

    balance.patience = Duration::ZERO;
    let collector = start(vec![Destination::Balanced(balance)], |_| {});
    assert_eq!(post(collector.http_address().unwrap(), traces(400..800)).await.0, 200);
    delivered(&collector, 400).await;
    assert!(is_left_out(&collector, 0) && !is_left_out(&collector, 1));
    assert!(set(taken(&receivers[1])).is_superset(&set(400..800)));
}

/// Whoever the test says.
#[derive(Clone, Default)]
struct Known(Arc<Mutex<Vec<SocketAddr>>>);

impl Known {
    fn say(&self, receivers: &[&Receiver]) {
        *self.0.lock().unwrap() = receivers.iter().map(|receiver| receiver.grpc_address()).collect();
    }
}

impl Find for Known {
    fn find(&self) -> Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send + '_>> {
        Box::pin(async { Ok(self.0.lock().unwrap().clone()) })
    }
}

fn found(known: &Known) -> Balance {
    let mut remote = throughline::sender::Remote::new(Protocol::Grpc, "http://members.test".parse().unwrap());
    remote.timeout = Duration::from_millis(300);
    let mut discovery = Discovery::new(remote, known.clone());
    discovery.interval = Duration::from_millis(100);
    Balance::found(discovery)
}

#[tokio::test]
async fn servers_are_added_and_removed_as_they_are_found_and_what_waited_for_one_goes_to_the_others() {
    for with_disk in [false, true] {
        let (receivers, directory) =
            ([Receiver::start(), Receiver::start(), Receiver::start()], Directory::new());
        let [first, second, third] = receivers.each_ref();
        let known = Known::default();
        let collector = start(vec![Destination::Balanced(found(&known))], |config| {
            config.disk = with_disk.then(|| Disk::new(&directory.0));
        });
        let address = collector.http_address().unwrap();
        let members = async |count: usize| {
            let are_there = || async { (collector.forwarded()[0].members.len() == count + 1).then_some(()) };
            until(&format!("{count} members"), are_there).await;
        };
        assert_eq!(post(address, traces(0..400)).await.0, 200);
        let nobody = || async { collector.forwarded()[0].last_failure.clone() };
        assert!(until("a search in vain", nobody).await.contains("nobody is there"));
        known.say(&[first, second]);
        delivered(&collector, 400).await;
        members(2).await;
        assert!([first, second].iter().all(|receiver| receiver.items(Signal::Traces) > 100));

        // One that is removed is away, too: its share must not wait for it.
        second.then_always(Fault::Hang);
        assert_eq!(post(address, traces(400..800)).await.0, 200);
        let tried = || async { (second.requests().len() >= 2).then_some(()) };
        until("an attempt", tried).await;
        known.say(&[first, third]);
        delivered(&collector, 800).await;
        members(2).await;
        assert_eq!(
            set([first, third].into_iter().flat_map(taken)),
            set(taken(first).into_iter().chain(taken(third)))
        );
        let at_first_two = set(taken(first)).into_iter().chain(taken(second));
        assert_eq!(set(at_first_two.chain(taken(third))), set(0..800));
        assert!(third.items(Signal::Traces) > 0);

        // A search that finds nobody changes nothing.
        known.say(&[]);
        assert_eq!(post(address, traces(800..1200)).await.0, 200);
        delivered(&collector, 1200).await;
        assert_eq!(total(&collector), [1200, 1200, 0, 0, 0]);
        assert_eq!(collector.forwarded()[0].members.len(), 3);
    }
}

#[tokio::test]
async fn a_name_stands_for_all_its_addresses() {
    let receiver = Receiver::start();
    let url = format!("http://localhost:{}/v1/traces", receiver.http_address().port());
    let remote = throughline::sender::Remote::new(Protocol::HttpProtobuf, url.parse().unwrap());
    let balance = Balance::found(Discovery::dns(remote));
    let shown = format!("one of those behind {url}");
    let collector = start(vec![Destination::Balanced(balance)], |_| {});
    assert_eq!(post(collector.http_address().unwrap(), traces(0..40)).await.0, 200);
    delivered(&collector, 40).await;
    let forwarded = collector.forwarded().remove(0);
    assert_eq!(forwarded.destination, shown);
    assert!(forwarded.members.iter().any(|member| member.destination == format!("{url} at 127.0.0.1")));
}
