//! Values that are counted while they are alive.

use std::fmt::{self, Debug};
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

/// Counts its [`Token`]s: how much a machine or a buffer holds, whether anything is lost or kept for ever.
///
/// # Examples
///
/// ```
/// use highwater_test::Tokens;
///
/// let tokens = Tokens::new();
/// let one = tokens.token("one");
/// let copy = one.clone();
/// assert_eq!(tokens.alive(), 2);
/// drop(one);
/// assert_eq!((tokens.alive(), copy.len()), (1, 3));
/// ```
#[derive(Debug, Clone, Default)]
pub struct Tokens(Arc<AtomicUsize>);

/// A value that its [`Tokens`] count, copies included. It is equal to what its value is equal to.
pub struct Token<T> {
    value: T,
    alive: Arc<AtomicUsize>,
}

impl Tokens {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// One more.
    pub fn token<T>(&self, value: T) -> Token<T> {
        self.0.fetch_add(1, SeqCst);
        Token { value, alive: Arc::clone(&self.0) }
    }

    /// How many there are now.
    pub fn alive(&self) -> usize {
        self.0.load(SeqCst)
    }
}

impl<T> Deref for Token<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: Clone> Clone for Token<T> {
    fn clone(&self) -> Self {
        self.alive.fetch_add(1, SeqCst);
        Self { value: self.value.clone(), alive: Arc::clone(&self.alive) }
    }
}

impl<T> Drop for Token<T> {
    fn drop(&mut self) {
        self.alive.fetch_sub(1, SeqCst);
    }
}

impl<T: PartialEq> PartialEq for Token<T> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl<T: PartialEq> PartialEq<T> for Token<T> {
    fn eq(&self, other: &T) -> bool {
        self.value == *other
    }
}

impl<T: Debug> Debug for Token<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}
