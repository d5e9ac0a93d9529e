//! Every way in which axum finds a service is told by its route, or by none.

use std::convert::Infallible;

use axum::{Router, body::Body, routing::get};
use http::{Request, Response};
use throughline_middleware::{Route, ServerLayer};
use tower::Layer;

use crate::support::{Telemetry, ask, attributes, get_request, serve};

async fn page() -> &'static str {
    "page"
}

/// A router with every kind of route.
fn every_kind() -> Router {
    let service = || {
        tower::service_fn(async |_: Request<Body>| Ok::<_, Infallible>(Response::new(Body::from("service"))))
    };
    let nested = Router::new().route("/users/{id}", get(page)).route("/", get(page)).fallback(page);
    let inner = Router::new().route("/deep/{id}", get(page));
    Router::new()
        .route("/", get(page))
        .route("/files/{*rest}", get(page))
        .route_service("/service/{id}", service())
        .nest("/api", nested.nest("/more/{kind}", inner))
        .nest_service("/static", service())
        .merge(Router::new().route("/merged/{id}", get(page)))
        .fallback(page)
}

/// What a path is answered with, and the route that is told of it.
const PATHS: [(&str, Option<&str>); 10] = [
    ("/", Some("/")),
    ("/files/a/b", Some("/files/{*rest}")),
    ("/service/1", Some("/service/{id}")),
    ("/api/users/1", Some("/api/users/{id}")),
    ("/api", Some("/api")),
    ("/api/more/x/deep/1", Some("/api/more/{kind}/deep/{id}")),
    ("/merged/1", Some("/merged/{id}")),
    ("/api/nowhere", None),
    ("/static/logo", None),
    ("/nowhere", None),
];

/// Asks for a path, and returns name, path, route and the route of the measurement.
async fn told(telemetry: &Telemetry, router: Router, request: &str) -> Vec<[Option<String>; 4]> {
    ask(serve(router).await, request).await;
    telemetry
        .spans::<1>()
        .await
        .map(|span| {
            let told = attributes(&span.attributes);
            let text = |key| told.get(key).map(ToString::to_string);
            let [(series, 1)] = &telemetry.requests()[..] else { panic!("one request") };
            let route = series.get("http.route").map(ToString::to_string);
            [Some(span.name.into_owned()), text("url.path"), text("http.route"), route]
        })
        .to_vec()
}

fn expected(path: &str, route: Option<&str>) -> [Option<String>; 4] {
    let name = route.map_or_else(|| String::from("GET"), |route| format!("GET {route}"));
    let route = route.map(String::from);
    [Some(name), Some(path.to_owned()), route.clone(), route]
}

#[tokio::test]
async fn a_layer_of_the_router_tells_each_route_whole_and_none_of_what_has_none() {
    // H-002, H-004, H-006, H-031
    for (path, route) in PATHS {
        let telemetry = Telemetry::new();
        let router = every_kind().layer(telemetry.server());
        assert_eq!(told(&telemetry, router, &get_request(path)).await, [expected(path, route)], "{path}");
    }
}

#[tokio::test]
async fn a_second_layer_changes_nothing_wherever_it_is() {
    // H-005, H-006
    for (path, route) in PATHS {
        let telemetry = Telemetry::new();
        let router = every_kind().layer(telemetry.server()).layer(telemetry.server());
        assert_eq!(told(&telemetry, router, &get_request(path)).await, [expected(path, route)], "{path}");

        let telemetry = Telemetry::new();
        let around = telemetry.server().layer(every_kind().layer(telemetry.server()));
        let router = Router::new().fallback_service(around);
        assert_eq!(told(&telemetry, router, &get_request(path)).await, [expected(path, route)], "{path}");
    }
}

#[tokio::test]
async fn a_layer_around_the_router_knows_no_route_unless_the_service_tells_it() {
    // H-004, H-005
    let around = |layer: ServerLayer| Router::new().fallback_service(layer.layer(every_kind()));
    for (path, _) in PATHS {
        let telemetry = Telemetry::new();
        let router = around(telemetry.server());
        assert_eq!(told(&telemetry, router, &get_request(path)).await, [expected(path, None)], "{path}");
    }
    let telemetry = Telemetry::new();
    let own = Router::new().route(
        "/own/{id}",
        get(async || {
            let mut response = Response::new(Body::empty());
            response.extensions_mut().insert(Route::new("/own/{id}"));
            response
        }),
    );
    let router = Router::new().fallback_service(telemetry.server().layer(own));
    let told = told(&telemetry, router, &get_request("/own/1")).await;
    assert_eq!(told, [expected("/own/1", Some("/own/{id}"))]);
}

#[tokio::test]
async fn a_layer_of_some_routes_records_only_those() {
    // H-006
    let telemetry = Telemetry::new();
    let layered = Router::new().route("/layered/{id}", get(page)).route_layer(telemetry.server());
    let address = serve(every_kind().merge(layered)).await;
    for path in ["/", "/nowhere", "/api/users/1"] {
        ask(address, get_request(path)).await;
    }
    ask(address, get_request("/layered/1")).await;
    let [span] = telemetry.spans().await;
    assert_eq!(span.name, "GET /layered/{id}");
}

#[tokio::test]
async fn a_method_that_a_route_does_not_take_is_told_with_the_route() {
    // H-006, H-076
    let telemetry = Telemetry::new();
    let router = every_kind().layer(telemetry.server());
    let request = get_request("/merged/1").replace("GET", "DELETE");
    ask(serve(router).await, request).await;
    let [span] = telemetry.spans().await;
    assert_eq!(span.name, "DELETE /merged/{id}");
    assert_eq!(attributes(&span.attributes)["http.response.status_code"], 405.into());
}
