//! The lock and the flags of the buffer: those of the standard library, or of the model checker that runs it.

#[cfg(not(any(hw_loom, hw_shuttle)))]
pub(crate) use std::sync::{
    Mutex, MutexGuard,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

#[cfg(hw_loom)]
pub(crate) use loom::sync::{
    Mutex, MutexGuard,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

#[cfg(hw_shuttle)]
pub(crate) use shuttle::sync::{
    Mutex, MutexGuard,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

/// True where this mistake was asked for: in a build with `--cfg seeded_bug`, by the variable `HIGHWATER_SEEDED_BUG`. The
/// tests must catch every one of them; see `.ci/seeded`.
macro_rules! seeded {
    ($name:literal) => {
        cfg!(seeded_bug) && $crate::sync::is_asked_for($name)
    };
}
pub(crate) use seeded;

#[cfg(seeded_bug)]
pub(crate) fn is_asked_for(name: &str) -> bool {
    static ASKED_FOR: std::sync::LazyLock<Option<String>> =
        std::sync::LazyLock::new(|| std::env::var("HIGHWATER_SEEDED_BUG").ok());
    ASKED_FOR.as_deref() == Some(name)
}

#[cfg(not(seeded_bug))]
pub(crate) const fn is_asked_for(_: &str) -> bool {
    false
}
