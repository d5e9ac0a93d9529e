//! One collection for all who wait.

use crate::{
    callback::Asked,
    reader::Reader,
    sender::{
        Signal, Stats,
        exposition::{Format, LeftOut, Options, Page, Reason, page},
    },
};
use bytes::Bytes;
use std::{
    collections::HashSet,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    sync::{mpsc, oneshot},
    task::spawn_blocking,
    time::{Instant, timeout_at},
};

/// How long callbacks may take together.
const CALLBACK_LIMIT: Duration = Duration::from_secs(5);
/// How long a page may take: as long as Prometheus waits unless told otherwise. Collections for others take their turn too.
const LIMIT: Duration = Duration::from_secs(10);
/// Complaints that are remembered, so that each is made once.
const MOST_COMPLAINTS: usize = 1_000;

/// Somebody who wants the page.
pub(super) struct Ask {
    pub(super) format: Format,
    pub(super) gzip: bool,
    pub(super) reply: oneshot::Sender<Result<Bytes, String>>,
}

/// The page in one form.
type Made = (Format, bool, Bytes);
type Collection = Pin<Box<dyn Future<Output = Result<Vec<Made>, String>> + Send>>;

/// What was said already, and what became of data points.
#[derive(Default)]
pub(super) struct Account {
    told: Mutex<Told>,
}

#[derive(Default)]
struct Told {
    points: u64,
    left_out: u64,
    last: Option<String>,
    complaints: HashSet<(String, Reason)>,
}

/// Answers until nobody can ask any more.
pub(super) async fn run(
    reader: Reader,
    scope_labels: bool,
    mut asked: mpsc::Receiver<Ask>,
    account: Arc<Account>,
) {
    let mut hanging: Option<Collection> = None;
    while let Some(first) = asked.recv().await {
        let mut asks = vec![first];
        while let Ok(next) = asked.try_recv() {
            asks.push(next);
        }
        asks.retain(|ask| !ask.reply.is_closed());
        if asks.is_empty() {
            continue;
        }
        let limit = Instant::now() + LIMIT;
        // What took too long has the measurements of then: it only has to end.
        if let Some(before) = &mut hanging {
            if timeout_at(limit, before).await.is_err() {
                account.fail(asks);
                continue;
            }
            hanging = None;
        }
        let forms: HashSet<(Format, bool)> = asks.iter().map(|ask| (ask.format, ask.gzip)).collect();
        let mut collection: Collection =
            Box::pin(collect(reader.clone(), scope_labels, forms, account.clone()));
        match timeout_at(limit, &mut collection).await {
            Ok(pages) => answer(asks, &pages),
            Err(_) => {
                account.fail(asks);
                hanging = Some(collection);
            }
        }
    }
}

fn answer(asks: Vec<Ask>, pages: &Result<Vec<Made>, String>) {
    for ask in asks {
        let page = match pages {
            Ok(pages) => {
                let found = pages.iter().find(|(format, gzip, _)| (*format, *gzip) == (ask.format, ask.gzip));
                found.map(|(.., page)| page.clone()).ok_or_else(|| "the page was not made".into())
            }
            Err(words) => Err(words.clone()),
        };
        // Whoever asked may have gone.
        let _ = ask.reply.send(page);
    }
}

async fn collect(
    reader: Reader,
    scope_labels: bool,
    forms: HashSet<(Format, bool)>,
    account: Arc<Account>,
) -> Result<Vec<Made>, String> {
    let request = reader.read(Some(Asked::now(CALLBACK_LIMIT))).await?;
    if request.body.is_empty() {
        return Err("telemetry is shut down".into());
    }
    let made = spawn_blocking(move || {
        let mut made = Vec::new();
        for format in [Format::OpenMetrics, Format::Text] {
            if !forms.iter().any(|(wanted, _)| *wanted == format) {
                continue;
            }
            let mut options = Options::new(format);
            options.scope_labels = scope_labels;
            let page = page(&request.body, options).map_err(|fault| fault.to_string())?;
            if made.is_empty() {
                account.count(&page);
            }
            if forms.contains(&(format, true)) {
                made.push((format, true, page.gzip()));
            }
            if forms.contains(&(format, false)) {
                made.push((format, false, page.text.into()));
            }
        }
        Ok(made)
    });
    made.await.map_err(|error| format!("the page could not be made: {error}"))?
}

impl Account {
    /// Tells everybody who waits that there is no page.
    fn fail(&self, asks: Vec<Ask>) {
        let words = format!("the measurements could not be collected within {LIMIT:?}");
        self.told.lock().unwrap_or_else(PoisonError::into_inner).last = Some(words.clone());
        answer(asks, &Err(words));
    }

    fn count(&self, page: &Page) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.points += page.points;
        for out in &page.left_out {
            told.left_out += out.points;
            told.last = Some(out.to_string());
            told.complain(out);
        }
    }

    pub(super) fn stats(&self, destination: &str) -> Stats {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let mut stats = Stats::new(Signal::Metrics, &destination);
        (stats.delivered, stats.dropped) = (told.points, told.left_out);
        stats.recorded = told.points + told.left_out;
        stats.last_failure = told.last.clone();
        stats
    }
}

impl Told {
    /// Once for each metric and reason.
    fn complain(&mut self, out: &LeftOut) {
        let is_new = self.complaints.len() < MOST_COMPLAINTS
            && self.complaints.insert((out.metric.clone(), out.reason));
        if is_new {
            tracing::warn!(target: "throughline", "{out}");
        }
    }
}
