//! Each page in a browser: what it shows, what its keys do, in both colour schemes.

use super::browser::visit;
use std::net::SocketAddr;
use throughline_collector::{Collector, Config};

/// A collector at free ports.
pub(super) fn start(change: impl FnOnce(&mut Config)) -> Collector {
    let any = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
    let mut config = Config::default();
    (config.grpc, config.http, config.view) = (any, any, any);
    change(&mut config);
    Collector::start(config).unwrap()
}

#[tokio::test]
async fn every_page_is_reached_by_its_tab_and_its_number_and_the_keys_are_told() {
    let collector = start(|_| ());
    visit("shell", &collector.view_url().unwrap(), &[]).await;
}
