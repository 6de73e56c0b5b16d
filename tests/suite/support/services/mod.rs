//! Servers that tests need: one that is there, a private one, or the word that there is none.
//!
//! A test asks for a service and returns if it gets `None`. Where `HIGHWATER_REQUIRE_SERVICES` is 1, it fails instead: a
//! test that was skipped has shown nothing.

mod postgres;

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

pub(crate) use postgres::{Postgres, postgres};

/// Says that there is no such service.
pub(crate) fn absent<T>(service: &str, why: &str) -> Option<T> {
    let required = std::env::var("HIGHWATER_REQUIRE_SERVICES").is_ok_and(|value| value == "1");
    assert!(!required, "no {service}, and HIGHWATER_REQUIRE_SERVICES is 1: {why}");
    drop(writeln!(std::io::stderr(), "skipped: no {service} ({why})"));
    None
}

/// Runs a future on a thread and a runtime of its own: it can be called from within a runtime.
pub(crate) fn aside<F: Future<Output: Send> + Send>(work: F) -> F::Output {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("the system has a poller").block_on(work)
        });
        thread.join().expect("it does not panic")
    })
}

/// A port that nobody listens at.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("the loopback has a free port");
    listener.local_addr().expect("it was bound").port()
}

/// Where a program is: on the PATH, or in one of these folders.
pub(crate) fn program(name: &str, folders: impl IntoIterator<Item = PathBuf>) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path);
    on_path.chain(folders).map(|folder| folder.join(name)).find(|program| program.is_file())
}

/// Runs a shell script that starts a server, says `started`, waits until its standard input ends, and stops the server.
///
/// That end comes when this process ends, in whatever way: no server is left behind. Folder and port are `$1` and `$2`; the
/// script removes the folder.
pub(crate) fn private(script: &str, arguments: &[&Path]) -> Result<(), String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?.keep();
    let started = start(script, &folder, arguments);
    if started.is_err() {
        drop(std::fs::remove_dir_all(&folder));
    }
    started
}

fn start(script: &str, folder: &Path, arguments: &[&Path]) -> Result<(), String> {
    // A Ctrl-C reaches the script as well: it is to go on, and see its input end.
    let script = format!("trap '' INT; exec 2>\"$1/log\"; {script}");
    let mut command = Command::new("sh");
    command.args(["-c", &script, "sh"]).arg(folder).args(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child: Child = command.spawn().map_err(|error| error.to_string())?;
    let mut line = String::new();
    if let Some(output) = child.stdout.take() {
        BufReader::new(output).read_line(&mut line).map_err(|error| error.to_string())?;
    }
    if line.trim() != "started" {
        let log = std::fs::read_to_string(folder.join("log")).unwrap_or_default();
        return Err(format!("it does not start: {log}"));
    }
    // Its standard input stays open for as long as this process lives.
    std::mem::forget(child);
    Ok(())
}
