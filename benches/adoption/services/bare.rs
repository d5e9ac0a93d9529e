//! axum 0.8 and the lines of tracing-subscriber
//= axum = "0.8"
//= tokio = { version = "1", features = ["macros", "net", "rt-multi-thread"] }
//= tracing = "0.1"
//= tracing-subscriber = { version = "0.3", features = ["env-filter"] }

use axum::{Router, extract::Path, routing::get};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt().with_env_filter(tracing_subscriber::EnvFilter::from_default_env()).init();
    let app = Router::new().route("/lines/{count}", get(lines));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on {}", listener.local_addr()?);
    Ok(axum::serve(listener, app).await?)
}

async fn lines(Path(count): Path<u32>) -> String {
    for line in 0..count {
        tracing::info!(line, "counting");
    }
    format!("{count} lines\n")
}
