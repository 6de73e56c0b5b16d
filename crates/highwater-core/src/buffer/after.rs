//! What is done after the lock: wakers are woken, and, with the feature `metrics`, metrics are published.

use super::shared::Shared;
use super::wakes::Wakes;

#[cfg(not(feature = "metrics"))]
impl<T> Shared<T> {
    /// What is done when the lock has been given back: to be declared before it is taken.
    #[inline]
    pub(super) fn after(&self) -> Wakes {
        Wakes::default()
    }
}

#[cfg(feature = "metrics")]
mod published {
    use std::ops::{Deref, DerefMut};

    use super::{Shared, Wakes};

    /// Dropped after the lock: publishes the metrics of the buffer, then wakes.
    pub(in crate::buffer) struct After<'a, T> {
        wakes: Wakes,
        shared: &'a Shared<T>,
    }

    impl<T> Shared<T> {
        /// What is done when the lock has been given back: to be declared before it is taken.
        #[inline]
        pub(in crate::buffer) fn after(&self) -> After<'_, T> {
            After { wakes: Wakes::default(), shared: self }
        }
    }

    impl<T> Deref for After<'_, T> {
        type Target = Wakes;

        #[inline]
        fn deref(&self) -> &Wakes {
            &self.wakes
        }
    }

    impl<T> DerefMut for After<'_, T> {
        #[inline]
        fn deref_mut(&mut self) -> &mut Wakes {
            &mut self.wakes
        }
    }

    impl<T> Drop for After<'_, T> {
        #[inline]
        fn drop(&mut self) {
            self.shared.publish();
        }
    }
}
