//! How much per how long.

use std::fmt;
use std::time::Duration;

use highwater_core::{Error, Result};

/// So much per so long: items, bytes, or whatever is weighed.
///
/// It is kept as it is said, and counted exactly: one per day, a third per second and 18 billion per second are limits
/// without a rounding error.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use highwater_rate_limit::Rate;
/// assert_eq!(Rate::per_second(500).to_string(), "500 per 1s");
/// assert_eq!(Rate::new(1, Duration::from_secs(3))?, Rate::new(20, Duration::from_secs(60))?);
/// assert!(Rate::new(0, Duration::from_secs(1)).is_err());
/// # Ok::<(), highwater_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Rate {
    /// At least 1.
    amount: u64,
    /// Nanoseconds, at least 1.
    per: u64,
}

impl Rate {
    /// So much per period. For a rate that is only known at run time.
    ///
    /// # Errors
    ///
    /// The amount or the period is 0, or the period is longer than 584 years (2⁶⁴ nanoseconds).
    pub fn new(amount: u64, period: Duration) -> Result<Self> {
        match u64::try_from(period.as_nanos()) {
            Ok(per) if per > 0 && amount > 0 => Ok(Self { amount, per }),
            _ => Err(Error::msg(format!("{amount} per {period:?} is no rate"))),
        }
    }

    /// So much per second.
    ///
    /// # Panics
    ///
    /// If the amount is 0.
    #[track_caller]
    pub fn per_second(amount: u64) -> Self {
        Self::known(amount, 1)
    }

    /// So much per minute.
    ///
    /// # Panics
    ///
    /// If the amount is 0.
    #[track_caller]
    pub fn per_minute(amount: u64) -> Self {
        Self::known(amount, 60)
    }

    /// So much per hour.
    ///
    /// # Panics
    ///
    /// If the amount is 0.
    #[track_caller]
    pub fn per_hour(amount: u64) -> Self {
        Self::known(amount, 3600)
    }

    /// So much per day.
    ///
    /// # Panics
    ///
    /// If the amount is 0.
    #[track_caller]
    pub fn per_day(amount: u64) -> Self {
        Self::known(amount, 24 * 3600)
    }

    #[track_caller]
    fn known(amount: u64, seconds: u64) -> Self {
        assert!(amount > 0, "a rate of 0 lets nothing pass");
        Self { amount, per: seconds * 1_000_000_000 }
    }

    pub(crate) fn amount(self) -> u128 {
        u128::from(self.amount)
    }

    /// In nanoseconds.
    pub(crate) fn per(self) -> u128 {
        u128::from(self.per)
    }

    /// What passes in so many nanoseconds, rounded up.
    pub(crate) fn in_nanos(self, nanos: u64) -> u64 {
        let amount = (self.amount() * u128::from(nanos)).div_ceil(self.per());
        u64::try_from(amount).unwrap_or(u64::MAX)
    }
}

/// Equal where the same passes: 60 per minute is 1 per second.
impl PartialEq for Rate {
    fn eq(&self, other: &Self) -> bool {
        self.amount() * other.per() == other.amount() * self.per()
    }
}

impl Eq for Rate {}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} per {:?}", self.amount, Duration::from_nanos(self.per))
    }
}
