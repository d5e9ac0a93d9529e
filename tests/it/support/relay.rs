//! A relay before a plain server: counts connections, and lets go of them when a test says so.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// What happens to the connections that there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// They are relayed.
    Live,
    /// They end now, as servers end what was idle for long.
    End,
    /// They end when the next bytes come, which reach nobody: the same, a moment later.
    EndAtNext,
    /// When the next bytes come, HTTP/2 says goodbye and that it read only the first request.
    GoodbyeAtNext,
}

/// HTTP/2: GOAWAY with the first stream of a client as the last one, without an error.
const GOODBYE: [u8; 17] = [0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0];

/// The running relay; it stops with the runtime of the test.
pub(crate) struct Relay {
    pub(crate) address: SocketAddr,
    fate: watch::Sender<(usize, Fate)>,
    connections: Arc<Mutex<usize>>,
}

impl Relay {
    pub(crate) async fn start(to: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let relay = Relay {
            address: listener.local_addr().unwrap(),
            fate: watch::Sender::new((0, Fate::Live)),
            connections: Arc::default(),
        };
        let (fate, connections) = (relay.fate.clone(), relay.connections.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let number = {
                    let mut connections = connections.lock().unwrap();
                    *connections += 1;
                    *connections
                };
                tokio::spawn(relay_one(stream, to, number, fate.subscribe()));
            }
        });
        relay
    }

    pub(crate) fn connections(&self) -> usize {
        *self.connections.lock().unwrap()
    }

    /// Decides what happens to the connections that there are; those that come later live.
    pub(crate) fn decide(&self, fate: Fate) {
        self.fate.send_replace((self.connections(), fate));
    }
}

async fn relay_one(
    mut client: TcpStream,
    to: SocketAddr,
    number: usize,
    mut fate: watch::Receiver<(usize, Fate)>,
) {
    let mut server = TcpStream::connect(to).await.unwrap();
    let (mut from_client, mut from_server) = ([0; 8192], [0; 8192]);
    loop {
        let mine = {
            let (up_to, fate) = *fate.borrow_and_update();
            if number <= up_to { fate } else { Fate::Live }
        };
        if mine == Fate::End {
            return;
        }
        tokio::select! {
            _ = fate.changed() => {}
            read = client.read(&mut from_client) => match (read, mine) {
                (Ok(0) | Err(_), _) | (_, Fate::EndAtNext) => return,
                (_, Fate::GoodbyeAtNext) => {
                    client.write_all(&GOODBYE).await.unwrap();
                    return;
                }
                (Ok(length), _) => server.write_all(&from_client[..length]).await.unwrap(),
            },
            read = server.read(&mut from_server) => match read {
                Ok(0) | Err(_) => return,
                Ok(length) => if client.write_all(&from_server[..length]).await.is_err() { return },
            },
        }
    }
}
