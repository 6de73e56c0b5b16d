//! A real S3 server on loopback: it checks signatures and keeps the rules of multipart uploads.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use highwater::object::{Store, StoreOptions};
use highwater_core::task::{Task, spawn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use s3s_fs::FileSystem;
use tempfile::TempDir;
use tokio::net::TcpListener;

use super::chaos::accept;

/// The server and its one bucket. It ends when it is dropped.
pub(crate) struct S3 {
    address: SocketAddr,
    root: TempDir,
    _server: Task<()>,
}

impl S3 {
    pub(crate) const KEY: &str = "AKIA-OF-THE-TESTS";
    pub(crate) const SECRET: &str = "s3cr3t/of+the-tests";
    pub(crate) const BUCKET: &str = "bucket";

    pub(crate) async fn start() -> Self {
        // It syncs nothing, but makes several files for each object: memory is kinder to the disk.
        let memory = Path::new("/dev/shm");
        let parent = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        let root = tempfile::tempdir_in(parent).unwrap();
        std::fs::create_dir(root.path().join(Self::BUCKET)).unwrap();
        let mut builder = S3ServiceBuilder::new(FileSystem::new(root.path()).unwrap());
        builder.set_auth(SimpleAuth::from_single(Self::KEY, Self::SECRET));
        let service = builder.build();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let serve = move |client| {
            let service = service.clone();
            spawn(async move {
                let server = auto::Builder::new(TokioExecutor::new());
                drop(server.serve_connection(TokioIo::new(client), service).await);
            })
        };
        Self { address, root, _server: spawn(accept(listener, serve)) }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Settings for this server, or for what stands at another address in front of it: as the defaults, but quick.
    pub(crate) fn options(address: SocketAddr) -> StoreOptions {
        StoreOptions::new()
            .with_option("aws_access_key_id", Self::KEY)
            .with_option("aws_secret_access_key", Self::SECRET)
            .with_option("aws_region", "us-east-1")
            .with_option("aws_endpoint", format!("http://{address}"))
            .with_option("aws_allow_http", "true")
            .with_backoff(Duration::from_millis(1), Duration::from_millis(4))
    }

    pub(crate) fn url() -> String {
        format!("s3://{}/of/tests", Self::BUCKET)
    }

    /// The bucket, asked directly.
    pub(crate) fn store(&self) -> Store {
        Self::options(self.address).open(&Self::url()).unwrap()
    }

    /// Removes an object.
    pub(crate) fn remove(&self, key: &str) {
        std::fs::remove_file(self.root.path().join(Self::BUCKET).join("of/tests").join(key))
            .unwrap();
    }

    /// The names of the uploads that are neither completed nor undone, and have a file left.
    pub(crate) fn uploads(&self) -> BTreeSet<String> {
        self.upload_files().into_iter().map(|(upload, _)| upload).collect()
    }

    /// Removes them.
    pub(crate) fn forget_uploads(&self) {
        for (_, file) in self.upload_files() {
            std::fs::remove_file(file).unwrap();
        }
    }

    fn upload_files(&self) -> Vec<(String, PathBuf)> {
        let files = std::fs::read_dir(self.root.path()).unwrap().map(|file| file.unwrap().path());
        let upload = |file: PathBuf| {
            let name = file.file_name()?.to_str()?;
            let (_, rest) =
                name.split_once(".upload-").or_else(|| name.split_once(".upload_id-"))?;
            Some((rest.split('.').next()?.to_owned(), file))
        };
        files.filter_map(upload).collect()
    }
}
