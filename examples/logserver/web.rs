//! The page, its events and the metrics, over HTTP.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::IntoResponse;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::routing::get;
use futures::stream::unfold;
use highwater::net::{Listening, Refused};
use highwater::{CancellationToken, Result};
use tokio::sync::watch;

use crate::stats::Stats;
use crate::view::{Figures, View};

/// What is shown.
#[derive(Clone)]
pub(crate) struct Site {
    pub(crate) stats: Arc<Stats>,
    pub(crate) refused: Refused,
    pub(crate) view: watch::Receiver<View>,
    pub(crate) figures: Arc<Figures>,
}

/// Serves the page until `stop`. The page connects again by itself.
pub(crate) async fn serve(listening: Listening, site: Site, stop: CancellationToken) -> Result<()> {
    highwater_examples::serve(listening, router(site), HEAD, stop).await
}

fn router(site: Site) -> Router {
    let asset = |kind: &'static str, text: &'static str| {
        get(
            move || async move { ([(CONTENT_TYPE, kind), (CONTENT_SECURITY_POLICY, POLICY)], text) },
        )
    };
    Router::new()
        .route("/", asset("text/html; charset=utf-8", include_str!("page/index.html")))
        .route("/page.js", asset("text/javascript; charset=utf-8", include_str!("page/page.js")))
        .route("/page.css", asset("text/css; charset=utf-8", include_str!("page/page.css")))
        .route("/events", get(events))
        .route("/metrics", get(figures))
        .with_state(site)
}

/// A view now, and one whenever there is a new one. A browser that is slow skips some.
async fn events(State(site): State<Site>) -> impl IntoResponse {
    let mut view = site.view;
    view.mark_changed();
    let events = unfold(view, |mut view| async move {
        view.changed().await.ok()?;
        let text = serde_json::to_string(&*view.borrow_and_update()).ok()?;
        Some((Ok::<_, Infallible>(Event::default().data(text)), view))
    });
    ([(CACHE_CONTROL, "no-store")], Sse::new(events).keep_alive(KeepAlive::default()))
}

async fn figures(State(site): State<Site>) -> impl IntoResponse {
    let text = site.figures.text(&site.stats.totals(), &site.refused, &site.view.borrow());
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text)
}

/// How long a browser may take for the head of a request.
const HEAD: Duration = Duration::from_secs(5);
/// Nothing comes from elsewhere, and no text becomes a script.
const POLICY: &str = "default-src 'self'; img-src data:";
