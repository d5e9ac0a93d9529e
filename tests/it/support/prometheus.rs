//! A real Prometheus, with a directory of its own.

use super::{child::Process, get, until};
use std::path::PathBuf;

/// A running Prometheus. Its directory goes with it.
pub(crate) struct Prometheus {
    pub(crate) url: String,
    directory: PathBuf,
    _server: Process,
}

impl Prometheus {
    /// Starts it with this configuration, the OTLP receiver and a store for exemplars.
    pub(crate) async fn start(program: &str, name: &str, config: &str) -> Self {
        let directory = std::env::temp_dir().join(format!("throughline-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let file = directory.join("prometheus.yml");
        std::fs::write(&file, config).unwrap();
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let server = Process::start(
            program,
            &[
                &format!("--config.file={}", file.display()),
                &format!("--storage.tsdb.path={}", directory.join("data").display()),
                &format!("--web.listen-address={free}"),
                "--web.enable-otlp-receiver",
                "--enable-feature=exemplar-storage",
            ],
            &[],
        );
        let url = format!("http://{free}");
        until("a ready prometheus", || async {
            get(&format!("{url}/-/ready"), &[]).await.ok().filter(|(status, _)| *status == 200)
        })
        .await;
        Prometheus { url, directory, _server: server }
    }

    /// The `data` of what it answers to this path with its query, which is encoded already.
    pub(crate) async fn ask(&self, path: &str) -> serde_json::Value {
        let (status, body) = get(&format!("{}/api/v1/{path}", self.url), &[]).await.unwrap();
        let answer: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(status, 200, "{answer}");
        answer["data"].clone()
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}
