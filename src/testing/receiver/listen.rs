//! The two ports: open, closed on demand, cut in the middle.

use super::{
    Shared,
    judge::Port,
    take::{self, Connection},
};
use hyper::service::service_fn;
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use std::{
    convert::Infallible,
    io,
    net::SocketAddr,
    sync::{Arc, mpsc},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpSocket, TcpStream},
    sync::watch,
};

/// Connections that wait to be accepted.
const BACKLOG: u32 = 1024;
/// The pause after the system could not give a connection, for example for want of file descriptors.
const RECOVERY: Duration = Duration::from_millis(50);

/// Whether a port is open, and who wants to know that it is so.
#[derive(Clone)]
pub(super) struct Order {
    pub(super) open: bool,
    pub(super) done: Option<mpsc::Sender<()>>,
}

/// One of the ports, open at first. Nobody else gets it for as long as this lives.
pub(super) struct Gate {
    pub(super) address: SocketAddr,
    listener: Option<TcpListener>,
    /// Bound and not listening: whoever calls while the port is closed is refused.
    held: Option<TcpSocket>,
    /// Whether listener and held socket may be bound at once. Else the port is free between the two, for a moment in
    /// which it may be given to others.
    shared: bool,
}

impl Gate {
    /// Opens this port, or any that is free if it is 0. Must be called in the runtime that serves it.
    pub(super) fn open(place: SocketAddr) -> io::Result<Self> {
        // A port that was chosen would be shared with other receivers too.
        let shared = cfg!(target_os = "linux") && place.port() == 0;
        let listener = bind(place, shared)?.listen(BACKLOG)?;
        let address = listener.local_addr()?;
        let held = if shared { Some(bind(address, shared)?) } else { None };
        Ok(Gate { address, listener: Some(listener), held, shared })
    }

    fn close(&mut self) -> io::Result<()> {
        drop(self.listener.take());
        if !self.shared {
            self.held = Some(bind(self.address, false)?);
        }
        Ok(())
    }

    fn open_again(&mut self) -> io::Result<()> {
        let socket = if self.shared { Some(bind(self.address, true)?) } else { self.held.take() };
        let socket = socket.ok_or(io::ErrorKind::NotConnected)?;
        self.listener = Some(socket.listen(BACKLOG)?);
        Ok(())
    }
}

fn bind(address: SocketAddr, shared: bool) -> io::Result<TcpSocket> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    #[cfg(target_os = "linux")]
    socket.set_reuseport(shared)?;
    #[cfg(not(target_os = "linux"))]
    let _ = shared;
    socket.bind(address)?;
    Ok(socket)
}

/// Serves a port until the orders end.
pub(super) async fn listen(
    shared: Arc<Shared>,
    port: Port,
    mut gate: Gate,
    mut orders: watch::Receiver<Order>,
) -> io::Result<()> {
    loop {
        let order = orders.borrow_and_update().clone();
        let later = orders.clone();
        match (order.open, &gate.listener) {
            (true, None) => gate.open_again()?,
            (false, Some(_)) => gate.close()?,
            _ => {}
        }
        order.done();
        let changed = match &gate.listener {
            Some(listener) => tokio::select! {
                never = accept(&shared, port, listener, &later) => match never {},
                changed = orders.changed() => changed,
            },
            None => orders.changed().await,
        };
        if changed.is_err() {
            return Ok(());
        }
    }
}

impl Order {
    fn done(&self) {
        if let Some(done) = &self.done {
            // Whoever asked may have given up.
            let _ = done.send(());
        }
    }
}

async fn accept(
    shared: &Arc<Shared>,
    port: Port,
    listener: &TcpListener,
    later: &watch::Receiver<Order>,
) -> Infallible {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(RECOVERY).await;
            continue;
        };
        let (number, closes) = shared.connected();
        if !closes {
            tokio::spawn(connection(shared.clone(), port, number, stream, later.clone()));
        }
    }
}

/// Serves one connection until one of the sides ends it, or the port is closed.
async fn connection(
    shared: Arc<Shared>,
    port: Port,
    number: u64,
    stream: TcpStream,
    mut later: watch::Receiver<Order>,
) {
    // Answers are short: waiting for more to send only delays them.
    let _ = stream.set_nodelay(true);
    tokio::select! {
        () = handshake(shared, port, number, stream) => {}
        // The next order closes the port, even if it is open again by now.
        _ = later.changed() => {}
    }
}

#[cfg(feature = "tls")]
async fn handshake(shared: Arc<Shared>, port: Port, number: u64, stream: TcpStream) {
    let protocol: &[u8] = if port == Port::Grpc { b"h2" } else { b"http/1.1" };
    let Some(tls) = &shared.setup.tls else { return serve(shared, port, number, stream).await };
    let inside = match tls.acceptor(protocol) {
        Ok(acceptor) => acceptor.accept(stream).await.map_err(|error| error.to_string()),
        Err(words) => Err(words),
    };
    match inside {
        Ok(inside) => serve(shared, port, number, inside).await,
        Err(words) => shared.complain(format!("a TLS handshake failed: {words}")),
    }
}

#[cfg(not(feature = "tls"))]
async fn handshake(shared: Arc<Shared>, port: Port, number: u64, stream: TcpStream) {
    serve(shared, port, number, stream).await
}

async fn serve<S>(shared: Arc<Shared>, port: Port, number: u64, stream: S)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let connection = Arc::new(Connection::new(number));
    let of_service = connection.clone();
    let service = service_fn(move |request| take::answer(shared.clone(), of_service.clone(), port, request));
    let mut builder = auto::Builder::new(TokioExecutor::new());
    if port == Port::Grpc {
        builder = builder.http2_only();
    }
    tokio::select! {
        // A connection that breaks is the other side's affair.
        _ = builder.serve_connection(TokioIo::new(stream), service) => {}
        () = connection.is_cut() => {}
    }
}
