//! How much `throughline collect` takes, keeps and sends at a time, how long anything may take, and where it waits.

use clap::Args;
use std::{path::PathBuf, str::FromStr, time::Duration};
use throughline::collector::{Config, Disk, Overflow};

/// What is not given has the default of the collector.
#[derive(Args)]
pub(super) struct Bounds {
    /// Directory for requests that cannot be sent now; they outlive the process [default: none].
    #[arg(long, value_name = "DIRECTORY")]
    pub(super) queue_directory: Option<PathBuf>,
    /// Bytes that this directory may hold, for all destinations together [default: 268435456].
    #[arg(long, value_name = "BYTES", requires = "queue_directory")]
    queue_directory_bytes: Option<u64>,
    /// Bytes of requests that may wait in memory for one destination, of each signal [default: 67108864].
    #[arg(long, value_name = "BYTES")]
    queue_bytes: Option<usize>,
    /// How long a destination may be full until it holds up the others no more, in seconds, or never; what comes for it then
    /// is dropped and counted [default: 10].
    #[arg(long, value_name = "SECONDS")]
    drop_after: Option<Patience>,
    /// Spans, data points or log records of one request to a destination [default: 8192].
    #[arg(long, value_name = "COUNT")]
    batch_items: Option<u64>,
    /// Bytes of one request to a destination, before compression [default: 4128768].
    #[arg(long, value_name = "BYTES")]
    batch_bytes: Option<usize>,
    /// How long a request waits for others that go with it, in milliseconds [default: 200].
    #[arg(long, value_name = "MILLISECONDS")]
    batch_delay: Option<u64>,
    /// Bytes that are kept for the view and for Prometheus [default: 67108864, or 0 without both].
    #[arg(long, value_name = "BYTES")]
    store_bytes: Option<usize>,
    /// Traces that are kept [default: 10000].
    #[arg(long, value_name = "COUNT")]
    store_traces: Option<usize>,
    /// Bytes of request bodies in memory, beyond which what comes is told to come again [default: no such bound].
    #[arg(long, value_name = "BYTES")]
    max_memory: Option<usize>,
    /// The largest request, in bytes, before and after decompression [default: 67108864].
    #[arg(long, value_name = "BYTES")]
    max_request_bytes: Option<usize>,
    /// How long a client may take to send a request, and to read its answer, in seconds [default: 30].
    #[arg(long, value_name = "SECONDS")]
    request_timeout: Option<u64>,
}

/// A time, or none: for ever.
#[derive(Clone, Copy)]
struct Patience(Option<Duration>);

impl FromStr for Patience {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        if word == "never" {
            return Ok(Patience(None));
        }
        let seconds = word.parse().map_err(|_| "write a number of seconds, or never")?;
        Ok(Patience(Some(Duration::from_secs(seconds))))
    }
}

impl Bounds {
    /// Sets what is given, after all that says what the collector is for.
    pub(super) fn set(&self, config: &mut Config) {
        config.disk = self.queue_directory.as_ref().map(|directory| {
            let disk = Disk::new(directory);
            Disk { bytes: self.queue_directory_bytes.unwrap_or(disk.bytes), ..disk }
        });
        if let Some(Patience(patience)) = self.drop_after {
            config.overflow = patience.map_or(Overflow::Refuse, Overflow::DropAfter);
        }
        // Nobody would look at it.
        let is_shown = config.view.is_some() || config.prometheus.is_some() || config.keep.is_some();
        let is_for_nobody = !is_shown && config.goes_on();
        if is_for_nobody {
            config.max_bytes = 0;
        }
        put(&mut config.max_bytes, self.store_bytes);
        put(&mut config.max_traces, self.store_traces);
        put(&mut config.queue_bytes, self.queue_bytes);
        put(&mut config.batch.items, self.batch_items);
        put(&mut config.batch.bytes, self.batch_bytes);
        put(&mut config.batch.delay, self.batch_delay.map(Duration::from_millis));
        put(&mut config.max_request_bytes, self.max_request_bytes);
        put(&mut config.request_timeout, self.request_timeout.map(Duration::from_secs));
        config.max_memory = self.max_memory;
    }
}

fn put<T>(to: &mut T, given: Option<T>) {
    if let Some(value) = given {
        *to = value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Arguments {
        #[command(flatten)]
        bounds: Bounds,
    }

    fn read(arguments: &str) -> Result<Config, String> {
        let words = ["collect"].into_iter().chain(arguments.split_whitespace());
        let read = Arguments::try_parse_from(words).map_err(|fault| fault.to_string())?;
        let mut config = Config::default();
        read.bounds.set(&mut config);
        Ok(config)
    }

    #[test]
    fn every_option_has_its_place_in_the_configuration_and_none_changes_another() {
        assert_eq!(format!("{:?}", read("").unwrap()), format!("{:?}", Config::default()));
        let all = "--queue-directory d --queue-directory-bytes 1 --queue-bytes 2 --drop-after 3 --batch-items 4 \
                   --batch-bytes 5 --batch-delay 6 --store-bytes 7 --store-traces 8 --max-memory 9 \
                   --max-request-bytes 10 --request-timeout 11";
        let mut expected = Config::default();
        expected.disk = Some(Disk { bytes: 1, ..Disk::new("d") });
        (expected.queue_bytes, expected.overflow) = (2, Overflow::DropAfter(Duration::from_secs(3)));
        (expected.batch.items, expected.batch.bytes) = (4, 5);
        expected.batch.delay = Duration::from_millis(6);
        (expected.max_bytes, expected.max_traces, expected.max_memory) = (7, 8, Some(9));
        (expected.max_request_bytes, expected.request_timeout) = (10, Duration::from_secs(11));
        assert_eq!(format!("{:?}", read(all).unwrap()), format!("{expected:?}"));
        assert_eq!(read("--drop-after never").unwrap().overflow, Overflow::Refuse);
    }

    #[test]
    fn what_would_be_half_of_it_or_nothing_is_refused() {
        for wrong in ["--queue-directory-bytes 1", "--drop-after soon", "--queue-bytes -1"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
