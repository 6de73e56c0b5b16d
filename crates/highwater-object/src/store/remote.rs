//! Stores behind a network: how they are made, and what stands between them and their answers.

use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use highwater_core::{Error, Result};
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse,
    HttpResponseBody, HttpService, ReqwestConnector,
};
use object_store::list::PaginatedListStore;
use object_store::{ClientOptions, ObjectStore, RetryConfig};
use url::Url;

use super::{Listing, Place, Requests, Store, StoreOptions, answer};
use crate::error::failed;
use crate::fetch::Streamed;

impl StoreOptions {
    #[cfg(feature = "s3")]
    pub(super) fn s3(&self, url: &Url, name: String) -> Result<Store> {
        use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
        let mut builder = AmazonS3Builder::new().with_client_options(self.client());
        for (key, value) in self.settings::<AmazonS3ConfigKey>("AWS_")? {
            builder = builder.with_config(key, value);
        }
        let guards = Guards::default();
        let store = builder
            .with_url(url.as_str())
            .with_retry(self.retry())
            .with_http_connector(guards.clone())
            .build();
        guards.store(store, name)
    }

    #[cfg(feature = "gcs")]
    pub(super) fn gcs(&self, url: &Url, name: String) -> Result<Store> {
        use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey};
        let mut builder = GoogleCloudStorageBuilder::new().with_client_options(self.client());
        for (key, value) in self.settings::<GoogleConfigKey>("GOOGLE_")? {
            builder = builder.with_config(key, value);
        }
        let guards = Guards::default();
        let store = builder
            .with_url(url.as_str())
            .with_retry(self.retry())
            .with_http_connector(guards.clone())
            .build();
        guards.store(store, name)
    }

    #[cfg(feature = "azure")]
    pub(super) fn azure(&self, url: &Url, name: String) -> Result<Store> {
        use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
        let mut builder = MicrosoftAzureBuilder::new().with_client_options(self.client());
        for (key, value) in self.settings::<AzureConfigKey>("AZURE_")? {
            builder = builder.with_config(key, value);
        }
        let guards = Guards::default();
        let store = builder
            .with_url(url.as_str())
            .with_retry(self.retry())
            .with_http_connector(guards.clone())
            .build();
        guards.store(store, name)
    }

    /// The settings for a store whose variables begin with `family`: what the environment says, then what was set.
    /// Those of the environment may be for somebody else; what was set must be known to the store.
    fn settings<K: FromStr>(&self, family: &str) -> Result<Vec<(K, String)>> {
        let parse = |name: &str| name.to_ascii_lowercase().parse::<K>();
        let env = self.env.then(std::env::vars_os).into_iter().flatten();
        let env = env.filter_map(|(name, value)| {
            let name = name.into_string().ok().filter(|name| name.starts_with(family))?;
            Some((parse(&name).ok()?, name, value.into_string().ok()?))
        });
        let set = self.options.iter().map(|(name, value)| match parse(name) {
            Ok(key) => Ok((key, name.clone(), value.clone())),
            Err(_) => Err(Error::msg(format!("`{name}` is no setting of this store"))),
        });
        let all = env.map(Ok).chain(set);
        let checked = all.map(|setting| {
            let (key, name, value) = setting?;
            if is_shown_with_credentials(&name, &value) {
                let what = format!("`{name}` is shown in errors, and has credentials in it");
                return Err(Error::msg(what));
            }
            Ok((key, value))
        });
        checked.collect()
    }

    fn retry(&self) -> RetryConfig {
        let mut config = RetryConfig::default();
        (config.max_retries, config.retry_timeout) = (self.retries, self.retry_for);
        (config.backoff.init_backoff, config.backoff.max_backoff) = self.backoff;
        config
    }

    fn client(&self) -> ClientOptions {
        ClientOptions::new()
            .with_timeout_disabled()
            .with_connect_timeout(self.connect)
            .with_read_timeout(self.idle)
    }
}

/// Whether the value is a URL with credentials in it. Only that of a proxy may be.
fn is_shown_with_credentials(name: &str, value: &str) -> bool {
    let has_credentials = |url: Url| !url.username().is_empty() || url.password().is_some();
    !name.to_ascii_lowercase().contains("proxy") && Url::parse(value).is_ok_and(has_credentials)
}

/// Makes the clients of one store, each with a [`Guard`] in front.
#[derive(Debug, Clone, Default)]
struct Guards(Requests);

impl Guards {
    fn store<S>(self, store: object_store::Result<S>, name: String) -> Result<Store>
    where
        S: ObjectStore + PaginatedListStore,
    {
        let store = store.map_err(|error| failed(format_args!("open `{name}`"), error))?;
        let store = Arc::new(store);
        let listing = Listing::Pages(Arc::clone(&store) as _);
        Ok(Store::of(Place::new(store, listing, name, self.0)))
    }
}

impl HttpConnector for Guards {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        let client = ReqwestConnector::default().connect(options)?;
        Ok(HttpClient::new(Guard { client, requests: self.0.clone() }))
    }
}

impl Requests {
    fn count(&self, failed: bool) {
        self.0[0].fetch_add(1, Relaxed);
        self.0[1].fetch_add(u64::from(failed), Relaxed);
    }
}

/// Reads every answer that is not an object, up to a limit, before it passes it on.
///
/// So an answer that breaks off is tried again like one that did not come, and none can fill the memory.
#[derive(Debug)]
struct Guard {
    client: HttpClient,
    requests: Requests,
}

#[async_trait]
impl HttpService for Guard {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let is_object = request.extensions().get::<Streamed>().is_some();
        let response = match self.client.execute(request).await {
            Ok(response) => response,
            Err(error) => {
                self.requests.count(true);
                return Err(error);
            }
        };
        let status = response.status();
        self.requests.count(status.is_server_error() || matches!(status.as_u16(), 408 | 429));
        if is_object && status.is_success() {
            return Ok(response);
        }
        let (mut parts, body) = response.into_parts();
        let mut body = if status.is_success() { whole(body).await? } else { beginning(body).await };
        if !status.is_success() {
            body = answer::readable(&body).into();
        } else if let Some(status) = answer::error_status(&body) {
            parts.status = status;
            body = answer::readable(&body).into();
        }
        Ok(HttpResponse::from_parts(parts, body.into()))
    }
}

/// An answer that counts: all of it.
async fn whole(body: HttpResponseBody) -> Result<Bytes, HttpError> {
    let (mut body, mut bytes) = (body.bytes_stream(), BytesMut::new());
    while let Some(frame) = body.next().await {
        // What broke off is tried again where that is harmless.
        let frame = frame.map_err(|error| HttpError::new(HttpErrorKind::Interrupted, error))?;
        bytes.extend_from_slice(&frame);
        if bytes.len() > LONGEST_ANSWER {
            let error = std::io::Error::other("the answer is longer than 8 MiB");
            return Err(HttpError::new(HttpErrorKind::Decode, error));
        }
    }
    Ok(bytes.freeze())
}

/// An answer that only says what is wrong: enough of it to be shown. It is the status that counts, so it does not matter if
/// the rest does not come.
async fn beginning(body: HttpResponseBody) -> Bytes {
    let (mut body, mut bytes) = (body.bytes_stream(), BytesMut::new());
    while let Some(Ok(frame)) = body.next().await {
        let room = LONGEST_ERROR - bytes.len();
        bytes.extend_from_slice(&frame[..frame.len().min(room)]);
        if bytes.len() == LONGEST_ERROR {
            break;
        }
    }
    bytes.freeze()
}

/// Bytes of an answer that is not an object. A page of 1000 keys of 1024 bytes has 7 MB if each byte of them is escaped.
const LONGEST_ANSWER: usize = 8 * 1024 * 1024;

/// Bytes that are kept of an answer that says what is wrong.
const LONGEST_ERROR: usize = 16 * 1024;
