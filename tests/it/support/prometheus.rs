//! A real Prometheus with its OTLP receiver.

use super::{child::Process, free_port, gateway::Directory, get, peer, until};
use serde_json::Value;
use std::collections::BTreeMap;

/// A running Prometheus. Stopped when dropped.
pub(crate) struct Prometheus {
    _process: Process,
    _directory: Directory,
    address: String,
}

/// The labels of one series, its name among them.
pub(crate) type Labels = BTreeMap<String, String>;

impl Prometheus {
    /// Starts one with this configuration; `None` if there is none to start, which is then said for this test.
    pub(crate) async fn start(test: &str, config: &str) -> Option<Self> {
        let remedy = "Prometheus 3 with its OTLP receiver";
        let program = peer(test, "THROUGHLINE_TEST_PROMETHEUS", remedy)?;
        let directory = Directory::new();
        let config = directory.write("prometheus.yml", config);
        let address = format!("127.0.0.1:{}", free_port());
        let process = Process::start(
            &program,
            &[
                &format!("--config.file={}", config.display()),
                &format!("--storage.tsdb.path={}", config.with_file_name("data").display()),
                &format!("--web.listen-address={address}"),
                "--web.enable-otlp-receiver",
                "--enable-feature=exemplar-storage",
            ],
            &[],
        );
        until("a ready prometheus", || async {
            get(&format!("http://{address}/-/ready"), &[]).await.ok().filter(|(status, _)| *status == 200)
        })
        .await;
        Some(Prometheus { _process: process, _directory: directory, address })
    }

    /// Where it takes OTLP (B-001, B-002).
    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}/api/v1/otlp/v1/metrics", self.address)
    }

    /// What it answers to an expression now, series by series.
    pub(crate) async fn query(&self, expression: &str) -> Vec<(Labels, f64)> {
        let answer = self.ask("query", &[("query", expression)]).await;
        let series = answer["result"].as_array().unwrap();
        let value = |series: &Value| series["value"][1].as_str().unwrap().parse().unwrap();
        series.iter().map(|series| (labels(&series["metric"]), value(series))).collect()
    }

    /// The exemplars of the series that an expression selects, each with the labels of its series.
    pub(crate) async fn exemplars(&self, expression: &str) -> Vec<(Labels, Labels)> {
        let range = [("query", expression), ("start", "0"), ("end", "32503680000")];
        let answer = self.ask("query_exemplars", &range).await;
        let of_series = |series: &Value| {
            let of = labels(&series["seriesLabels"]);
            let exemplars = series["exemplars"].as_array().unwrap().clone();
            exemplars.into_iter().map(move |exemplar| (of.clone(), labels(&exemplar["labels"])))
        };
        answer.as_array().unwrap().iter().flat_map(of_series).collect()
    }

    /// The `data` of an answer of its API.
    pub(crate) async fn ask(&self, what: &str, query: &[(&str, &str)]) -> Value {
        let encode = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
        let pairs: Vec<String> =
            query.iter().map(|(key, value)| format!("{key}={}", encode(value))).collect();
        let url = format!("http://{}/api/v1/{what}?{}", self.address, pairs.join("&"));
        let (status, answer) = get(&url, &[]).await.unwrap();
        assert_eq!(status, 200, "{answer}");
        serde_json::from_str::<Value>(&answer).unwrap()["data"].take()
    }
}

fn labels(of: &Value) -> Labels {
    let text = |(name, value): (&String, &Value)| (name.clone(), value.as_str().unwrap().to_owned());
    of.as_object().unwrap().iter().map(text).collect()
}
