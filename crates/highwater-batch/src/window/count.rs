//! What each so many items make.

use std::num::NonZeroU64;

use highwater_core::{Result, Transform};

use super::panes::Start;
use super::{Add, Windowed};

/// Gathers so many items into one value: [`CountWindow::new`].
///
/// It holds one value, however many items that is of, and needs no clock. At the end of the input, and before an upstream
/// error, the value of fewer items is given, and says that it is not [whole](Windowed::whole).
///
/// # Examples
///
/// ```
/// use highwater_batch::CountWindow;
/// use highwater_core::{Readable, Result};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// let sums = CountWindow::new(3, || 0, |sum, n: u64| *sum += n);
/// let sums = Readable::from_iter(1..=7).pipe(sums).map(|w| (w.start, w.value, w.whole)).to_vec().await?;
/// assert_eq!(sums, [(0, 6, true), (3, 15, true), (6, 7, false)]);
/// # Ok(()) }
/// ```
pub struct CountWindow<T, V> {
    size: NonZeroU64,
    start: Start<V>,
    add: Add<T, V>,
    open: Option<Windowed<V, u64>>,
    /// The number of the next item.
    next: u64,
    is_released: bool,
}

impl<T, V> CountWindow<T, V> {
    /// Windows of so many items. `start` makes the value of a window, and `add` puts an item into it.
    ///
    /// # Panics
    ///
    /// If a window is to have 0 items.
    #[track_caller]
    pub fn new(
        items: u64,
        start: impl FnMut() -> V + Send + 'static,
        add: impl FnMut(&mut V, T) + Send + 'static,
    ) -> Self {
        let size = NonZeroU64::new(items).expect("a window of 0 items holds none");
        let (start, add) = (Box::new(start), Box::new(add));
        Self { size, start, add, open: None, next: 0, is_released: false }
    }
}

impl<T, V> Transform for CountWindow<T, V> {
    type Input = T;
    type Output = Windowed<V, u64>;

    fn write(&mut self, item: T) -> Result<Option<Windowed<V, u64>>> {
        let (at, start) = (self.next, &mut self.start);
        self.next += 1;
        let window = self.open.get_or_insert_with(|| Windowed {
            start: at,
            end: at,
            items: 0,
            value: start(),
            whole: false,
        });
        (self.add)(&mut window.value, item);
        window.items += 1;
        window.end = self.next;
        window.whole = window.items == self.size.get();
        Ok(if window.whole { self.open.take() } else { None })
    }

    fn read(&mut self) -> Result<Option<Windowed<V, u64>>> {
        Ok(if std::mem::take(&mut self.is_released) { self.open.take() } else { None })
    }

    fn end(&mut self) -> Result<()> {
        self.release()
    }

    /// Gives what there is of a window.
    fn release(&mut self) -> Result<()> {
        self.is_released = true;
        Ok(())
    }

    fn name(&self) -> &'static str {
        "count_window"
    }
}

highwater_core::debug_fields!(CountWindow<T, V>, next);
