//! How the programs are stopped.

use std::io::Result;
use std::sync::OnceLock;

use highwater::CancellationToken;
#[cfg(unix)]
use tokio::signal::unix;
#[cfg(windows)]
use tokio::signal::windows;

/// Cancelled by Ctrl-C, and on Unix also by `SIGTERM` and `SIGHUP`, so that nothing half-written stays. A Ctrl-C after
/// that ends the program at once with 130, whatever it does.
///
/// A `SIGHUP` that is ignored from the start, as `nohup` does, stays ignored.
///
/// # Panics
///
/// If the system gives no thread and no way to listen to signals.
pub fn interrupt() -> CancellationToken {
    listening(Hangup::Stops)
}

/// [`interrupt`] for a program that does something of its own at `SIGHUP`.
///
/// # Panics
///
/// If the system gives no thread and no way to listen to signals.
pub fn interrupt_unless_hangup() -> CancellationToken {
    listening(Hangup::IsLeftAlone)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hangup {
    Stops,
    IsLeftAlone,
}

/// The first call decides for the program.
fn listening(hangup: Hangup) -> CancellationToken {
    static STOP: OnceLock<CancellationToken> = OnceLock::new();
    let stop = STOP.get_or_init(|| listen(hangup).expect("the system lets programs hear signals"));
    // A program may cancel what it got.
    stop.child_token()
}

/// Listens on a thread of its own, so that a program whose runtime is blocked or shuts down still ends.
fn listen(hangup: Hangup) -> Result<CancellationToken> {
    let token = CancellationToken::new();
    let cancelled = token.clone();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut signals = {
        let _inside = runtime.enter();
        // Heard from here on, not from when the thread first runs.
        Signals::new(hangup)?
    };
    let wait = move || {
        runtime.block_on(async {
            signals.first().await;
            cancelled.cancel();
            // Others may come twice: `timeout` and a closed terminal send them to a process and to its group.
            signals.interrupted.recv().await;
        });
        std::process::exit(130);
    };
    std::thread::Builder::new().name("signals".to_owned()).spawn(wait)?;
    Ok(token)
}

#[cfg(unix)]
struct Signals {
    interrupted: unix::Signal,
    terminated: unix::Signal,
    hung_up: Option<unix::Signal>,
}

#[cfg(unix)]
impl Signals {
    fn new(hangup: Hangup) -> Result<Self> {
        let listens = hangup == Hangup::Stops && !is_hangup_ignored();
        Ok(Self {
            interrupted: unix::signal(unix::SignalKind::interrupt())?,
            terminated: unix::signal(unix::SignalKind::terminate())?,
            hung_up: listens.then(|| unix::signal(unix::SignalKind::hangup())).transpose()?,
        })
    }

    async fn first(&mut self) {
        let hung_up = async {
            match &mut self.hung_up {
                Some(signal) => signal.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupted.recv() => {}
            _ = self.terminated.recv() => {}
            _ = hung_up => {}
        }
    }
}

/// False where the system does not say.
#[cfg(unix)]
fn is_hangup_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    // The signal N is bit N - 1, and SIGHUP is 1 everywhere.
    ignored
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .is_some_and(|mask| mask & 1 == 1)
}

#[cfg(windows)]
struct Signals {
    interrupted: windows::CtrlC,
}

#[cfg(windows)]
impl Signals {
    fn new(_: Hangup) -> Result<Self> {
        Ok(Self { interrupted: windows::ctrl_c()? })
    }

    async fn first(&mut self) {
        self.interrupted.recv().await;
    }
}
