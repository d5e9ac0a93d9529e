//! Makes the answers of the view beside the thread that receives, one at a time.
//!
//! A page of a large trace takes seconds and much memory. Neither those who send nor [`find`](crate::find) wait for
//! it, two of them are never made at once, and what clients have not read yet is bounded.

use crate::{reply::Reply, serve::Handler};
use bytes::Bytes;
use http::{
    HeaderValue, Request, Response, StatusCode,
    header::{CONTENT_TYPE, RETRY_AFTER},
};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use std::{sync::Arc, time::Duration};
use tokio::{sync::Semaphore, task::spawn_blocking, time::timeout};

/// How many requests wait for their turn; the next one is sent away.
const WAITING: usize = 16;

/// How many answers may wait to be read by their clients, in KiB. One alone may be larger.
const UNREAD: usize = 64 * 1024;

/// Who makes the answers.
pub(crate) trait Author: Clone + Send + Sync + 'static {
    /// Makes one; it may take long.
    fn answer(&self, request: &Request<()>) -> Response<Reply>;

    /// How many bytes of a request's body are taken, which the request then has as [`Sent`]; `None`: it is not read.
    fn takes(&self, _request: &Request<()>) -> Option<usize> {
        None
    }

    /// Whether the answer to a path is of fixed size, and made at once, in the runtime of the collector.
    fn is_light(&self, _path: &str) -> bool {
        false
    }
}

/// The body of a request, among its extensions; `None`: it is larger than what is taken, broken off, or too slow.
#[derive(Clone)]
pub(crate) struct Sent(pub(crate) Option<Bytes>);

/// Where the requests to the view wait.
#[derive(Clone)]
pub(crate) struct Desk<A> {
    author: A,
    /// How long a request waits for its turn.
    limit: Duration,
    waiting: Arc<Semaphore>,
    turn: Arc<Semaphore>,
    unread: Arc<Semaphore>,
    /// One body is read at a time.
    sending: Arc<Semaphore>,
}

impl<A: Author> Desk<A> {
    pub(crate) fn new(author: A, limit: Duration) -> Self {
        let places = |count| Arc::new(Semaphore::new(count));
        Desk {
            author,
            limit,
            waiting: places(WAITING),
            turn: places(1),
            unread: places(UNREAD),
            sending: places(1),
        }
    }

    async fn take(self, request: Request<()>) -> Response<Reply> {
        if self.author.is_light(request.uri().path()) {
            return self.author.answer(&request);
        }
        self.make(request).await.unwrap_or_else(busy)
    }

    /// `None`: there are too many.
    async fn make(self, request: Request<()>) -> Option<Response<Reply>> {
        let place = self.waiting.try_acquire_owned().ok()?;
        let turn = timeout(self.limit, self.turn.acquire_owned()).await.ok()?.ok()?;
        drop(place);
        let author = self.author;
        let made = spawn_blocking(move || {
            let response = author.answer(&request);
            // A client that goes away meanwhile does not give its turn to the next one.
            drop(turn);
            response
        });
        let response = made.await.ok()?;
        let kib = response.body().length().div_ceil(1024).min(UNREAD);
        let place = self.unread.try_acquire_many_owned(u32::try_from(kib).ok()?).ok()?;
        Some(response.map(|reply| reply.holding(place)))
    }
}

impl<A: Author> Handler for Desk<A> {
    async fn answer(self, request: Request<Incoming>) -> Response<Reply> {
        let (head, body) = request.into_parts();
        let mut request = Request::from_parts(head, ());
        let Some(most) = self.author.takes(&request) else { return self.take(request).await };
        let Ok(_place) = Arc::clone(&self.sending).try_acquire_owned() else { return busy() };
        let read = timeout(self.limit, Limited::new(body, most).collect()).await;
        let sent = read.ok().and_then(Result::ok).map(|body| body.to_bytes());
        request.extensions_mut().insert(Sent(sent));
        self.take(request).await
    }
}

fn busy() -> Response<Reply> {
    let mut response = Response::new(Reply::of("too many pages are asked for; come again\n"));
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    let headers = response.headers_mut();
    headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
        mpsc,
    };
    use tokio::task::yield_now;

    /// Writes so many bytes each time, as soon as it is told to.
    #[derive(Clone)]
    struct Slow {
        bytes: usize,
        go: Arc<Mutex<mpsc::Receiver<()>>>,
        at_work: Arc<AtomicUsize>,
        most: Arc<AtomicUsize>,
    }

    impl Author for Slow {
        fn answer(&self, request: &Request<()>) -> Response<Reply> {
            if request.uri().path() == "/api/status" {
                return Response::new(Reply::of("status"));
            }
            self.most.fetch_max(self.at_work.fetch_add(1, SeqCst) + 1, SeqCst);
            let _ = self.go.lock().unwrap().recv();
            self.at_work.fetch_sub(1, SeqCst);
            Response::new(Reply::of(vec![0; self.bytes]))
        }

        fn is_light(&self, path: &str) -> bool {
            path == "/api/status"
        }
    }

    fn desk(bytes: usize) -> (Desk<Slow>, mpsc::Sender<()>) {
        let (tell, go) = mpsc::channel();
        let go = Arc::new(Mutex::new(go));
        let slow = Slow { bytes, go, at_work: Arc::default(), most: Arc::default() };
        (Desk::new(slow, Duration::from_secs(60)), tell)
    }

    fn to(path: &str) -> Request<()> {
        Request::builder().uri(path).body(()).unwrap()
    }

    #[tokio::test]
    async fn one_page_is_made_at_a_time_some_wait_more_are_sent_away_and_the_status_is_there_at_once() {
        let (desk, tell) = desk(10);
        let asked: Vec<_> = (0..WAITING + 1).map(|_| tokio::spawn(desk.clone().take(to("/")))).collect();
        while desk.waiting.available_permits() > 0 {
            yield_now().await;
        }
        assert_eq!(desk.clone().take(to("/api/status")).await.status(), StatusCode::OK);
        let away = desk.clone().take(to("/")).await;
        assert_eq!(away.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(away.headers()[RETRY_AFTER], "1");
        (0..WAITING + 1).for_each(|_| tell.send(()).unwrap());
        for page in asked {
            assert_eq!(page.await.unwrap().status(), StatusCode::OK);
        }
        assert_eq!(desk.author.most.load(SeqCst), 1);
    }

    #[tokio::test]
    async fn pages_that_are_not_read_are_bounded_and_one_may_be_larger_than_the_bound() {
        let (desk, tell) = desk(UNREAD * 1024 / 4);
        (0..7).for_each(|_| tell.send(()).unwrap());
        let mut unread = Vec::new();
        for _ in 0..4 {
            unread.push(desk.clone().take(to("/")).await);
        }
        assert!(unread.iter().all(|page| page.status() == StatusCode::OK));
        assert_eq!(desk.clone().take(to("/")).await.status(), StatusCode::SERVICE_UNAVAILABLE);
        unread.pop();
        unread.push(desk.clone().take(to("/")).await);
        assert_eq!(unread[3].status(), StatusCode::OK);
        drop(unread);
        let large = Slow { bytes: UNREAD * 1024 + 1, ..desk.author.clone() };
        assert_eq!(Desk { author: large, ..desk }.take(to("/")).await.status(), StatusCode::OK);
    }
}
