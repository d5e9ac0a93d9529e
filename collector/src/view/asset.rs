//! The style sheet and the scripts: part of the program, and named by their content.
//!
//! `/style.css` and `/script/{name}.js` are asked for again each time, and sent only if they changed. Pages name them
//! below the version of all of them, `/{version}/script/view.js`, where a browser need not ask twice; an import between
//! modules, which is relative, stays below the version.

use super::{CSS, JAVASCRIPT, answer};
use crate::reply::Reply;
use ::http::{
    HeaderMap, HeaderValue, Response, StatusCode,
    header::{CACHE_CONTROL, ETAG, IF_NONE_MATCH},
};
use std::sync::LazyLock;

/// All parts of the style sheet, in their order.
const STYLE: &str = concat!(
    include_str!("style/base.css"),
    include_str!("style/shell.css"),
    include_str!("style/table.css"),
    include_str!("style/traces.css"),
    include_str!("style/waterfall.css"),
    include_str!("style/logs.css"),
    include_str!("style/charts.css"),
    include_str!("style/map.css"),
    include_str!("style/pipeline.css"),
    include_str!("style/narrow.css"),
);

/// What there is: its path, its kind, its content.
const ASSETS: [(&str, &str, &str); 11] = [
    ("/style.css", CSS, STYLE),
    ("/script/view.js", JAVASCRIPT, include_str!("script/view.js")),
    ("/script/draw.js", JAVASCRIPT, include_str!("script/draw.js")),
    ("/script/drop.js", JAVASCRIPT, include_str!("script/drop.js")),
    ("/script/filter.js", JAVASCRIPT, include_str!("script/filter.js")),
    ("/script/fold.js", JAVASCRIPT, include_str!("script/fold.js")),
    ("/script/keys.js", JAVASCRIPT, include_str!("script/keys.js")),
    ("/script/live.js", JAVASCRIPT, include_str!("script/live.js")),
    ("/script/morph.js", JAVASCRIPT, include_str!("script/morph.js")),
    ("/script/swap.js", JAVASCRIPT, include_str!("script/swap.js")),
    ("/script/trace.js", JAVASCRIPT, include_str!("script/trace.js")),
];

/// Changes with the content of any of them.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let bytes = ASSETS.iter().flat_map(|(path, _, content)| path.bytes().chain(content.bytes()));
    // FNV-1a.
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    format!("{hash:016x}")
});

/// The address of one of them that a browser may keep for good.
pub(crate) fn url(path: &str) -> String {
    format!("/{}{path}", *VERSION)
}

/// Whether the path is that of one of them.
pub(crate) fn is_one(path: &str) -> bool {
    find(path).is_some()
}

/// The content; `None`: the path is another one's.
pub(crate) fn respond(path: &str, headers: &HeaderMap) -> Option<Response<Reply>> {
    let (kind, content, is_versioned) = find(path)?;
    let tag = format!("\"{}\"", *VERSION);
    let known = headers.get_all(IF_NONE_MATCH).iter().any(|value| value.as_bytes() == tag.as_bytes());
    let mut response = match known {
        true => answer(StatusCode::NOT_MODIFIED, kind, Vec::new()),
        false => answer(StatusCode::OK, kind, content.into()),
    };
    let lasting = if is_versioned { "private, max-age=31536000, immutable" } else { "no-cache" };
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static(lasting));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        response.headers_mut().insert(ETAG, tag);
    }
    Some(response)
}

/// Kind, content, and whether the path names the version.
fn find(path: &str) -> Option<(&'static str, &'static str, bool)> {
    let below = path.strip_prefix('/').and_then(|path| path.strip_prefix(VERSION.as_str()));
    let wanted = below.unwrap_or(path);
    let (_, kind, content) = ASSETS.into_iter().find(|(path, ..)| *path == wanted)?;
    Some((kind, content, below.is_some()))
}
