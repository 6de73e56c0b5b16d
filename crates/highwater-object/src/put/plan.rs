//! How large the parts of an upload are.

use highwater_core::{Error, Result};

/// Parts that grow, so that an object of unknown length has room in the 10 000 that S3 allows, and a small one takes
/// little memory: after every 1000 parts, a part is one first part larger.
///
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html>
#[derive(Debug, Clone)]
pub(super) struct Plan {
    first: usize,
    sent: usize,
}

impl Plan {
    /// Parts of at first so many bytes.
    pub(super) fn new(first: usize) -> Self {
        Self { first, sent: 0 }
    }

    /// Bytes of the first part.
    pub(super) fn first(&self) -> usize {
        self.first
    }

    /// Bytes of the next part.
    pub(super) fn size(&self) -> usize {
        // For the error of the part too many, the last size is as good as any.
        self.first.saturating_mul(1 + self.sent.min(MOST_PARTS - 1) / PARTS_OF_A_SIZE)
    }

    /// Bytes of the largest part.
    pub(super) fn largest(&self) -> usize {
        self.first.saturating_mul(MOST_PARTS / PARTS_OF_A_SIZE)
    }

    /// Counts a part; gives its number, from 1.
    pub(super) fn take(&mut self) -> Result<usize> {
        if self.sent == MOST_PARTS {
            let bytes = self.first as u128 * 55 * PARTS_OF_A_SIZE as u128;
            return Err(Error::limit(format!(
                "the object is longer than {MOST_PARTS} parts, {bytes} bytes; a larger part_size makes more room"
            )));
        }
        self.sent += 1;
        Ok(self.sent)
    }
}

/// Parts of an object at the most.
const MOST_PARTS: usize = 10_000;

/// Parts after which the next ones are larger.
const PARTS_OF_A_SIZE: usize = 1000;

#[cfg(test)]
mod tests {
    use super::*;

    /// C100: part 10 000 is fine, part 10 001 is a typed error.
    #[test]
    fn ten_thousand_parts_and_not_one_more() {
        let (mut plan, mut bytes) = (Plan::new(8 << 20), 0_u128);
        for number in 1..=10_000 {
            bytes += plan.size() as u128;
            assert_eq!(plan.take().unwrap(), number);
        }
        let error = plan.take().unwrap_err();
        assert!(error.is_limit());
        // What the error says is the sum of all sizes: 430 GiB.
        assert!(error.to_string().contains(&format!("{bytes} bytes")), "{error}");
        assert_eq!(bytes >> 30, 429);
    }

    #[test]
    fn parts_grow_tenfold_and_no_more() {
        let mut plan = Plan::new(5);
        let mut sizes = Vec::new();
        for _ in 0..10_000 {
            sizes.push(plan.size());
            plan.take().unwrap();
        }
        assert_eq!((sizes[0], sizes[999], sizes[1000], sizes[9999]), (5, 5, 10, 50));
        assert!(sizes.is_sorted());
        assert_eq!(plan.size(), plan.largest());
        assert_eq!(plan.largest(), 50);
    }
}
