//! A program that calls a service with reqwest, as a part of its own trace.
//!
//! ```sh
//! cargo run --example hello
//! cargo run --example call_with_reqwest http://127.0.0.1:8080/hello/ada
//! ```

use reqwest_middleware::{ClientBuilder, reqwest};
use std::{error::Error, time::Duration};
use throughline::{Config, Telemetry, middleware::UrlTemplate};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = std::env::args().nth(1).unwrap_or_else(|| "http://127.0.0.1:8080/hello/ada".into());
    let telemetry = Telemetry::init(Config::from_env())?;
    // The last of the middlewares: what retries stands before it.
    let client = ClientBuilder::new(reqwest::Client::new()).with(telemetry.client_layer().reqwest()).build();

    let call = client.get(url).with_extension(UrlTemplate::new("/hello/{name}"));
    print!("{}", call.send().await?.text().await?);
    telemetry.shutdown(Duration::from_secs(5)).await?;
    Ok(())
}
