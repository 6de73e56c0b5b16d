//! PostgreSQL: that of `DATABASE_URL`, the one on the loopback, or a private one from the programs of the system.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

use deadpool_postgres::{Manager, Pool};
use highwater::sql::Database;
use highwater_core::task::{self, Task};
use tokio_postgres::{Client, Config, NoTls, SimpleQueryMessage};

use super::{absent, aside, free_port, private, program};

/// A schema of its own, which is dropped in the end.
#[derive(Debug)]
pub(crate) struct Postgres {
    base: String,
    schema: String,
}

/// A connection that works outside of the code under test.
pub(crate) struct Session {
    client: Client,
    _connection: Task<()>,
}

/// A new schema, or `None` if there is no server.
pub(crate) fn postgres() -> Option<Postgres> {
    static SERVER: LazyLock<Result<String, String>> = LazyLock::new(find);
    static SCHEMAS: AtomicU32 = AtomicU32::new(0);
    let base = match &*SERVER {
        Ok(base) => base.clone(),
        Err(why) => return absent("PostgreSQL", why),
    };
    let number = SCHEMAS.fetch_add(1, Relaxed);
    let schema = format!("highwater_{}_{number}", std::process::id());
    run(&base, &format!("CREATE SCHEMA {schema}")).expect("a schema can be made");
    Some(Postgres { base, schema })
}

fn find() -> Result<String, String> {
    let named = std::env::var("DATABASE_URL").ok();
    if let Some(url) = named.filter(|url| url.starts_with("postgres")) {
        return run(&url, "SELECT 1").map(|()| url);
    }
    if run(LOOPBACK, "SELECT 1").is_ok() {
        return Ok(LOOPBACK.to_owned());
    }
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let folders: Vec<PathBuf> = versions.map(|version| version.path().join("bin")).collect();
    let initdb = program("initdb", folders).ok_or("neither a server nor its programs")?;
    let port = free_port();
    let folder = initdb.parent().ok_or("a program is in a folder")?;
    private(SCRIPT, &[Path::new(&port.to_string()), folder])?;
    let url = format!("postgres://postgres@127.0.0.1:{port}/postgres");
    run(&url, "SELECT 1").map(|()| url)
}

/// Runs statements, wherever this is called from.
fn run(url: &str, sql: &str) -> Result<(), String> {
    let work = async {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
        let connection = task::spawn(connection);
        client.batch_execute(sql).await?;
        drop((client, connection));
        Ok(())
    };
    match aside(async { tokio::time::timeout(Duration::from_secs(10), work).await }) {
        Ok(done) => done.map_err(|error: tokio_postgres::Error| error.to_string()),
        Err(_) => Err("it does not answer within 10 s".to_owned()),
    }
}

impl Postgres {
    /// Where tables without a schema are in this one.
    pub(crate) fn url(&self) -> String {
        self.url_with("")
    }

    /// With further settings, as the server is given them: `-c name=value`.
    pub(crate) fn url_with(&self, settings: &str) -> String {
        let join = if self.base.contains('?') { '&' } else { '?' };
        let options = format!("-c search_path={} {settings}", self.schema).replace(' ', "%20");
        format!(
            "{}{join}options={}&application_name={}",
            self.base,
            options.replace('=', "%3D"),
            self.schema
        )
    }

    pub(crate) fn schema(&self) -> &str {
        &self.schema
    }

    pub(crate) fn database(&self) -> Database {
        Database::open(&self.url()).unwrap()
    }

    /// A pool of so many connections.
    pub(crate) fn pool(&self, connections: usize) -> Pool {
        let config: Config = self.url().parse().unwrap();
        Pool::builder(Manager::new(config, NoTls)).max_size(connections).build().unwrap()
    }

    pub(crate) async fn session(&self) -> Session {
        let (client, connection) = tokio_postgres::connect(&self.url(), NoTls).await.unwrap();
        let connection = task::spawn(async { drop(connection.await) });
        Session { client, _connection: connection }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let dropped = run(&self.base, &format!("DROP SCHEMA {} CASCADE", self.schema));
        if !std::thread::panicking() {
            dropped.expect("the schema can be dropped");
        }
    }
}

impl Session {
    pub(crate) async fn run(&self, sql: &str) {
        self.client.batch_execute(sql).await.unwrap();
    }

    /// All rows, as text: `-` where there is none.
    pub(crate) async fn text(&self, sql: &str) -> Vec<String> {
        let messages = self.client.simple_query(sql).await.unwrap();
        let rows = messages.iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some(row),
            _ => None,
        });
        let line = |row: &tokio_postgres::SimpleQueryRow| {
            let cells: Vec<&str> = (0..row.len()).map(|i| row.get(i).unwrap_or("-")).collect();
            cells.join("|")
        };
        rows.map(line).collect()
    }

    pub(crate) async fn numbers(&self, sql: &str) -> Vec<i64> {
        self.text(sql).await.iter().map(|number| number.parse().unwrap()).collect()
    }
}

/// What many machines that build and test have.
const LOOPBACK: &str = "postgres://root@127.0.0.1:5432/test";
/// The server refuses to be run as root. Its data need not survive a power failure.
const SCRIPT: &str = r#"
as=; if [ "$(id -u)" = 0 ]; then as='runuser -u postgres --'; chown postgres "$1"; chmod 755 "$1"; fi
cd "$1"; $as "$3/initdb" -D "$1/data" -A trust -U postgres --locale=C.UTF-8 -E UTF8 >&2 || exit 1
$as "$3/pg_ctl" -D "$1/data" -w -l "$1/data/server.log" \
    -o "-c listen_addresses=127.0.0.1 -p $2 -c unix_socket_directories= -c fsync=off" start >&2 || exit 1
echo started; read -r end; cd /
$as "$3/pg_ctl" -D "$1/data" -m immediate stop >&2; rm -rf "$1"
"#;
