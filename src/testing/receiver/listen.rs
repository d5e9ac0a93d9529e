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

/// Serves a port until the orders end.
pub(super) async fn listen(
    shared: Arc<Shared>,
    port: Port,
    listener: TcpListener,
    orders: watch::Receiver<Order>,
) -> io::Result<()> {
    let address = listener.local_addr()?;
    let mut commands = orders.clone();
    let mut listener = Some(listener);
    loop {
        let order = commands.borrow_and_update().clone();
        if order.open {
            let listener = match listener.take() {
                Some(listener) => listener,
                None => return Err(io::ErrorKind::NotConnected.into()),
            };
            order.done();
            tokio::select! {
                () = accept(&shared, port, &listener, &orders) => {}
                changed = commands.changed() => if changed.is_err() { return Ok(()) },
            }
            drop(listener);
        } else {
            // Bound but not listening: nobody else gets the port, and whoever calls is refused.
            let held = bind(address)?;
            order.done();
            if commands.changed().await.is_err() {
                return Ok(());
            }
            listener = Some(held.listen(BACKLOG)?);
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

fn bind(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

async fn accept(shared: &Arc<Shared>, port: Port, listener: &TcpListener, orders: &watch::Receiver<Order>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(RECOVERY).await;
            continue;
        };
        let (number, closes) = shared.connected();
        if !closes {
            tokio::spawn(connection(shared.clone(), port, number, stream, orders.clone()));
        }
    }
}

/// Serves one connection until one of the sides ends it, or the port is closed.
async fn connection(
    shared: Arc<Shared>,
    port: Port,
    number: u64,
    stream: TcpStream,
    mut orders: watch::Receiver<Order>,
) {
    // Answers are short: waiting for more to send only delays them.
    let _ = stream.set_nodelay(true);
    tokio::select! {
        () = handshake(shared, port, number, stream) => {}
        _ = orders.wait_for(|order| !order.open) => {}
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
